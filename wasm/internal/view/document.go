// Package view draws models into the page: it compares a model with what stands
// in the document and writes only what differs.
//
// It never makes HTML. It clones the page's <template> elements, sets attributes
// and text, and places formatted blocks that the gateway made ([Element.SetBlocks]).
// The names it uses are those of package markup; the page renders them, so a
// node that the server rendered and one that was cloned are the same to it.
//
// Nothing here is safe for concurrent use: whoever owns a drawing calls it from
// one goroutine at a time.
package view

// A Document gives the elements of a page.
type Document interface {
	// ByID returns nil if the page has no such element.
	ByID(id string) Element
	// Clone returns the first element of a copy of a <template>'s content, in no
	// document yet; nil if the page has no such template.
	Clone(template string) Element
}

// An Element is one element of a Document. Text is text: no method but SetBlocks
// reads it as HTML.
type Element interface {
	// Attr is an attribute's value, "" if there is none.
	Attr(name string) string
	SetAttr(name, value string)
	// Flag and SetFlag are for attributes that are there or not, such as hidden.
	Flag(name string) bool
	SetFlag(name string, on bool)

	// Text and SetText read and replace all of the content.
	Text() string
	SetText(text string)
	// SetBlocks makes the child elements from index from on those of html, each
	// string one element. The html must come from the gateway's formatter.
	SetBlocks(from int, html []string)
	// AppendCode adds text at the end of the code element of the last block.
	AppendCode(text string)

	// Children are the child elements.
	Children() []Element
	// Find returns the descendants whose attribute has the value, in order.
	Find(attr, value string) []Element
	// Closest is the element itself or the nearest around it that has the
	// attribute, or nil.
	Closest(attr string) Element
	// Insert puts child before another child, or last if before is nil. A child
	// that is in the document already moves.
	Insert(child, before Element)
	// Remove takes the element out of the document.
	Remove()

	// Value is what stands in a form's field.
	Value() string
	SetValue(value string)
	// SetChecked ticks a radio button or a checkbox.
	SetChecked(on bool)
	// Focus moves the keyboard's focus here.
	Focus()
	// Open shows a dialog as a modal one, Close closes it. Neither minds being
	// asked twice.
	Open()
	Close()
}
