// Package viewtest provides a document for tests: a tree of elements with the parts of
// the DOM that package view uses. It counts the writes to it.
package viewtest

import (
	"html"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Document is a view.Document.
type Document struct {
	Root *Element
	// Writes counts every change to an element that was in the document.
	Writes int
	// Focused is the element that was focused last, Selected the field whose text was
	// selected last.
	Focused, Selected *Element
}

// Parse makes a Document of well-formed HTML that is one element. It panics on anything
// else.
func Parse(text string) *Document {
	d := &Document{}
	d.Root = d.parse(text)[0]
	return d
}

// ByID returns the element with that id outside of templates, or nil.
func (d *Document) ByID(id string) view.Element {
	if e := d.Get(id); e != nil {
		return e
	}
	return nil
}

// Get is ByID with the type that tests need.
func (d *Document) Get(id string) *Element {
	var found *Element
	d.Root.walk(func(e *Element) {
		if found == nil && e.attrs["id"] == id {
			found = e
		}
	})
	return found
}

// Clone copies a template's first element.
func (d *Document) Clone(template string) view.Element {
	t := d.Get(template)
	if t == nil || t.Tag != "template" {
		return nil
	}
	return t.elements()[0].copy()
}

// Element is a view.Element, or a text node if it has no Tag.
type Element struct {
	Tag  string
	Data string // of a text node

	Checked bool
	Opened  bool

	doc    *Document
	attrs  map[string]string
	nodes  []*Element
	parent *Element
	value  string
}

// countWrite counts a change, unless the element is not in the document yet.
func (e *Element) countWrite() {
	for at := e; at != nil; at = at.parent {
		if at == e.doc.Root {
			e.doc.Writes++
		}
	}
}

func (e *Element) walk(f func(*Element)) {
	if e.Tag == "" {
		return
	}
	f(e)
	if e.Tag != "template" {
		for _, n := range e.nodes {
			n.walk(f)
		}
	}
}

func (e *Element) elements() []*Element {
	var list []*Element
	for _, n := range e.nodes {
		if n.Tag != "" {
			list = append(list, n)
		}
	}
	return list
}

func (e *Element) copy() *Element {
	c := &Element{Tag: e.Tag, Data: e.Data, doc: e.doc, attrs: map[string]string{}, value: e.value,
		Checked: e.Checked}
	for k, v := range e.attrs {
		c.attrs[k] = v
	}
	for _, n := range e.nodes {
		child := n.copy()
		child.parent = c
		c.nodes = append(c.nodes, child)
	}
	return c
}

// Attr is an attribute, "" if there is none.
func (e *Element) Attr(name string) string { return e.attrs[name] }

// SetAttr sets one.
func (e *Element) SetAttr(name, value string) {
	e.countWrite()
	e.attrs[name] = value
}

// Flag reports whether an attribute is there.
func (e *Element) Flag(name string) bool {
	_, ok := e.attrs[name]
	return ok
}

// SetFlag adds the attribute, or removes it.
func (e *Element) SetFlag(name string, on bool) {
	e.countWrite()
	if on {
		e.attrs[name] = ""
	} else {
		delete(e.attrs, name)
	}
}

// Text is the text of everything below.
func (e *Element) Text() string {
	if e.Tag == "" {
		return e.Data
	}
	var b strings.Builder
	for _, n := range e.nodes {
		b.WriteString(n.Text())
	}
	return b.String()
}

// SetText replaces everything below.
func (e *Element) SetText(text string) {
	e.countWrite()
	e.nodes = nil
	if text != "" {
		e.nodes = []*Element{{Data: text, doc: e.doc, parent: e}}
	}
}

// SetBlocks is the one method that reads HTML.
func (e *Element) SetBlocks(from int, blocks []string) {
	e.countWrite()
	if from == 0 {
		e.nodes = nil
	}
	for _, extra := range e.elements()[from:] {
		e.removeNode(extra)
	}
	for _, block := range blocks {
		made := e.doc.parse(block)
		if len(made) != 1 || made[0].Tag == "" {
			panic("a block is not one element: " + block)
		}
		made[0].parent = e
		e.nodes = append(e.nodes, made[0])
	}
}

// AppendCode adds text to the code of the last block.
func (e *Element) AppendCode(text string) {
	e.countWrite()
	blocks := e.elements()
	code := blocks[len(blocks)-1]
	code.walk(func(at *Element) {
		if at.Tag == "code" {
			code = at
		}
	})
	code.nodes = append(code.nodes, &Element{Data: text, doc: e.doc, parent: code})
}

// Children are the child elements.
func (e *Element) Children() []view.Element { return asViews(e.elements()) }

// Find returns the descendants whose attribute has the value.
func (e *Element) Find(attr, value string) []view.Element {
	var list []*Element
	e.walk(func(at *Element) {
		if v, ok := at.attrs[attr]; ok && v == value && at != e {
			list = append(list, at)
		}
	})
	return asViews(list)
}

func asViews(list []*Element) []view.Element {
	out := make([]view.Element, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out
}

// Closest is the element or the nearest around it with that attribute.
func (e *Element) Closest(attr string) view.Element {
	for at := e; at != nil; at = at.parent {
		if _, ok := at.attrs[attr]; ok {
			return at
		}
	}
	return nil
}

// Insert inserts child before another one, or last.
func (e *Element) Insert(child, before view.Element) {
	c := child.(*Element)
	c.Remove()
	at := len(e.nodes)
	if before != nil {
		if at = slices.Index(e.nodes, before.(*Element)); at < 0 {
			panic("Insert before an element that is elsewhere")
		}
	}
	e.nodes = slices.Insert(e.nodes, at, c)
	c.parent = e
	e.countWrite()
}

// Remove removes the element.
func (e *Element) Remove() {
	if e.parent != nil {
		e.countWrite()
		e.parent.removeNode(e)
	}
}

func (e *Element) removeNode(child *Element) {
	e.nodes = slices.DeleteFunc(e.nodes, func(n *Element) bool { return n == child })
	child.parent = nil
}

// Value is the value of a field.
func (e *Element) Value() string { return e.value }

// SetValue sets it.
func (e *Element) SetValue(value string) { e.value = value }

// SetChecked ticks a radio button.
func (e *Element) SetChecked(on bool) { e.Checked = on }

// Focus takes the focus.
func (e *Element) Focus() { e.doc.Focused = e }

// Select selects the text of a field.
func (e *Element) Select() { e.doc.Selected = e }

// Open opens a dialog.
func (e *Element) Open() {
	e.Opened = true
	e.attrs["open"] = ""
}

// Close closes it.
func (e *Element) Close() {
	e.Opened = false
	delete(e.attrs, "open")
}

// HTML returns the element as HTML, with its attributes sorted.
func (e *Element) HTML() string {
	if e.Tag == "" {
		return html.EscapeString(e.Data)
	}
	var b strings.Builder
	b.WriteString("<" + e.Tag)
	names := make([]string, 0, len(e.attrs))
	for name := range e.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(" " + name + `="` + html.EscapeString(e.attrs[name]) + `"`)
	}
	b.WriteString(">" + e.Inner() + "</" + e.Tag + ">")
	return b.String()
}

// Inner returns the content of the element as HTML.
func (e *Element) Inner() string {
	var b strings.Builder
	for _, n := range e.nodes {
		b.WriteString(n.HTML())
	}
	return b.String()
}

// Slot returns the text of the first slot with that name below, or "".
func (e *Element) Slot(name string) string {
	for _, slot := range e.Find("data-slot", name) {
		return slot.Text()
	}
	return ""
}

// Elements is Children with the type that tests need.
func (e *Element) Elements() []*Element { return e.elements() }
