package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// Refused is a message that the gateway refused, of a chat that is not on the screen.
type Refused struct {
	Key   string
	Label string // of the chat
	Error string
	Text  string
}

// Unsent is the list of refused messages in the page.
type Unsent struct {
	doc  Document
	list list
}

// NewUnsent takes over the list that the gateway rendered.
func NewUnsent(doc Document) *Unsent {
	return &Unsent{doc, adoptList(doc.ByID(markup.IDUnsent),
		func(el Element) string { return el.Attr(markup.AttrKey) })}
}

// Draw shows these messages. Their keys must not repeat.
func (v *Unsent) Draw(messages []Refused) {
	entries := make([]entry, len(messages))
	for i := range messages {
		m := &messages[i]
		entries[i] = entry{
			key:         m.Key,
			fingerprint: fingerprintOf(m.Label, m.Error, m.Text),
			draw: func(el Element) {
				setAttr(el, markup.AttrKey, m.Key)
				setSlot(el, markup.SlotLabel, m.Label)
				setSlot(el, markup.SlotError, m.Error)
				setSlot(el, markup.SlotText, m.Text)
			},
		}
	}
	v.list.set(entries, func() Element { return v.doc.Clone(markup.TemplateUnsent) })
}
