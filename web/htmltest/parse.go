// Package htmltest parses the HTML that templates render, for tests. It is stricter
// than browsers are: every element has to be closed where it was opened, in the way
// that HTML wants. So there is one tree that the text can mean.
package htmltest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Type tells elements from text.
type Type int

// The types of a [Node]. Comments are left out.
const (
	Root Type = iota
	Element
	Text
)

// Node is an element, a text, or the root that holds all others.
type Node struct {
	Type     Type
	Data     string // the name of an element in lower case, or the text
	Attr     []Attribute
	Parent   *Node
	Children []*Node
}

// Attribute is an attribute of an element. One without a value has its own name as
// its value.
type Attribute struct{ Key, Val string }

// Descendants yields all nodes below n, parents first.
func (n *Node) Descendants() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.each(yield) }
}

func (n *Node) each(yield func(*Node) bool) bool {
	for _, child := range n.Children {
		if !yield(child) || !child.each(yield) {
			return false
		}
	}
	return true
}

// void are the elements that have no end tag (HTML, section 13.1.2).
var void = []string{
	"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta",
	"source", "track", "wbr",
}

// Parse returns the tree of a document or of a part of one.
func Parse(text string) (*Node, error) {
	p := parser{decoder: xml.NewDecoder(strings.NewReader(text))}
	p.decoder.Strict = false // attributes without a value or quotes
	p.decoder.AutoClose = void
	p.decoder.Entity = xml.HTMLEntity
	root := &Node{Type: Root}
	p.at = root
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) && p.at == root {
			return root, nil
		}
		if err == nil {
			err = p.take(token)
		}
		if err != nil {
			return nil, fmt.Errorf("htmltest: in <%s>: %w", p.at.Data, err)
		}
	}
}

type parser struct {
	decoder *xml.Decoder
	at      *Node // the open element
	began   int64 // where the start tag before ended
}

func (p *parser) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		n := &Node{Type: Element, Data: strings.ToLower(token.Name.Local)}
		for _, a := range token.Attr {
			n.Attr = append(n.Attr, Attribute{a.Name.Local, a.Value})
		}
		p.add(n)
		p.at, p.began = n, p.decoder.InputOffset()
	case xml.EndElement:
		if name := strings.ToLower(token.Name.Local); name != p.at.Data {
			return fmt.Errorf("</%s> closes another element", name)
		}
		// An end without a tag of its own, as in <div/>, counts in SVG alone: in HTML a
		// browser takes <div/> for <div>.
		if p.decoder.InputOffset() == p.began && !slices.Contains(void, p.at.Data) && !p.at.inSVG() {
			return errors.New("the element is closed by its start tag")
		}
		p.at = p.at.Parent
	case xml.CharData:
		p.add(&Node{Type: Text, Data: string(token)})
	}
	return nil
}

func (p *parser) add(n *Node) {
	n.Parent = p.at
	p.at.Children = append(p.at.Children, n)
}

func (n *Node) inSVG() bool {
	return n != nil && (n.Data == "svg" && n.Type == Element || n.Parent.inSVG())
}
