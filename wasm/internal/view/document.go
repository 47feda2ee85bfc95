// Package view draws models into the page: it compares a model with the document and
// writes only what differs.
//
// It never makes HTML. It clones the page's <template> elements, sets attributes and
// text, and inserts formatted blocks that the gateway made ([Element.SetBlocks]). It
// finds elements by the names of package markup, which the gateway's pages use too. So
// elements that the gateway rendered and cloned ones are handled alike. An element that a
// page does not have is left out.
//
// Its nouns:
//
//   - A model says what the page shows, in words and numbers that are ready to be shown:
//     [Message], [Session], [Connection] and others.
//   - A slot is an element that a text goes into, marked by its data-slot attribute.
//   - A list is a container whose children, the rows, are found by key.
//   - A block is one HTML element of a formatted message.
//
// Nothing here is safe for concurrent use.
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
	// SetBlocks replaces the child elements from index from on by those of html, one
	// element a string. The HTML must come from the gateway's formatter.
	SetBlocks(from int, html []string)
	// AppendCode adds text at the end of the code element of the last block.
	AppendCode(text string)

	// Children are the child elements.
	Children() []Element
	// Find returns the descendants whose attribute has the value, in order.
	Find(attr, value string) []Element
	// Closest returns the element itself or the nearest one around it that has the
	// attribute, or nil.
	Closest(attr string) Element
	// Insert inserts child before another child, or last if before is nil. A child that
	// is in the document already is moved.
	Insert(child, before Element)
	// Remove takes the element out of the document.
	Remove()

	// Value is the value of a form's field.
	Value() string
	SetValue(value string)
	// SetChecked ticks a radio button or a checkbox.
	SetChecked(on bool)
	// Focus moves the keyboard's focus here.
	Focus()
	// Select selects the text of a form's field.
	Select()
	// Open shows a dialog as a modal one, Close closes it. Neither does anything if that
	// is done already.
	Open()
	Close()
}
