package viewtest

import (
	"html"
	"strings"
)

// parse parses well-formed HTML: every element is closed, except void ones. White space
// that contains a line break is ignored.
func (d *Document) parse(text string) []*Element {
	top := &Element{Tag: "top", doc: d}
	at := top
	for text != "" {
		before, tag, found := strings.Cut(text, "<")
		if before != "" && !(strings.Contains(before, "\n") && strings.TrimSpace(before) == "") {
			at.nodes = append(at.nodes, &Element{Data: html.UnescapeString(before), doc: d, parent: at})
		}
		if !found {
			break
		}
		tag, text, found = strings.Cut(tag, ">")
		if !found {
			panic("a tag without an end: " + tag)
		}
		if name, ends := strings.CutPrefix(tag, "/"); ends {
			if name != at.Tag {
				panic("</" + name + "> closes <" + at.Tag + ">")
			}
			at = at.parent
			continue
		}
		e := d.element(tag)
		e.parent = at
		at.nodes = append(at.nodes, e)
		if e.Tag != "input" && e.Tag != "img" && e.Tag != "br" {
			at = e
		}
	}
	if at != top {
		panic("<" + at.Tag + "> is not closed")
	}
	for _, n := range top.nodes {
		n.parent = nil
	}
	return top.nodes
}

// element parses the inside of a start tag, such as: p class="x" hidden.
func (d *Document) element(tag string) *Element {
	name, rest, _ := strings.Cut(tag, " ")
	e := &Element{Tag: name, doc: d, attrs: map[string]string{}}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		var attr, value string
		end := strings.IndexAny(rest, " =")
		if end < 0 {
			e.attrs[rest] = ""
			break
		}
		attr = rest[:end]
		if rest[end] == '=' {
			value, rest, _ = strings.Cut(rest[end+2:], `"`)
		} else {
			rest = rest[end:]
		}
		e.attrs[attr] = html.UnescapeString(value)
	}
	e.value = e.attrs["value"]
	return e
}
