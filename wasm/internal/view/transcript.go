package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Transcript is the conversation on the page.
type Transcript struct {
	doc   Document
	clock func(protocol.Time) Time
	list  list
	items map[string]*messageItem // by row key
}

// NewTranscript takes over the messages that the server rendered. clock puts a
// moment into the words of the reader's place.
func NewTranscript(doc Document, clock func(protocol.Time) Time) *Transcript {
	t := &Transcript{doc: doc, clock: clock, items: map[string]*messageItem{}}
	t.list = adoptList(doc.ByID(markup.IDMessages), func(el Element) string { return rowOf(el.Attr(markup.AttrMessageID), "") })
	for _, r := range t.list.rows {
		t.items[r.key] = &messageItem{el: r.el}
	}
	return t
}

// rowOf is the key of a message's row: its id as soon as it has one.
func rowOf(id, key string) string {
	if id != "" {
		return "id " + id
	}
	return "key " + key
}

// Draw makes the transcript these messages. An own message that has got its id
// stays in its place.
func (t *Transcript) Draw(messages []Message) { t.arrange(nil, messages) }

// DrawBehind makes the transcript what the server rendered and own behind it, for
// a page whose messages are not known yet.
func (t *Transcript) DrawAfterServed(own []Message) {
	var served []string
	for _, r := range t.list.rows {
		if !t.items[r.key].drawn {
			served = append(served, r.key)
		}
	}
	t.arrange(served, own)
}

// arrange makes the transcript the rows that stay as they are and the messages
// behind them.
func (t *Transcript) arrange(stay []string, messages []Message) {
	keys := append(make([]string, 0, len(stay)+len(messages)), stay...)
	for i := range messages {
		m := &messages[i]
		key := rowOf(m.ID, m.Key)
		if m.ID != "" && m.Key != "" {
			t.renameRow(rowOf("", m.Key), key)
		}
		keys = append(keys, key)
	}
	t.list.arrange(keys, func(i int) Element {
		m := &messages[i-len(stay)]
		it := &messageItem{el: t.doc.Clone(template(m.From))}
		it.draw(m, t.doc, t.clock)
		t.items[keys[i]] = it
		return it.el
	})
	for i := range messages {
		t.Update(&messages[i])
	}
	t.removeStaleItems()
}

// Update draws one message that is in the transcript, and does nothing if it is
// not.
func (t *Transcript) Update(m *Message) {
	if it := t.items[rowOf(m.ID, m.Key)]; it != nil {
		it.draw(m, t.doc, t.clock)
	}
}

// rename lets a row go on under another key, unless that one exists.
func (t *Transcript) renameRow(old, key string) {
	it := t.items[old]
	if it == nil || t.items[key] != nil {
		return
	}
	delete(t.items, old)
	t.items[key] = it
	for i := range t.list.rows {
		if t.list.rows[i].key == old {
			t.list.rows[i].key = key
		}
	}
}

// forget drops the items whose rows are gone.
func (t *Transcript) removeStaleItems() {
	if len(t.items) == len(t.list.rows) {
		return
	}
	kept := make(map[string]*messageItem, len(t.list.rows))
	for _, r := range t.list.rows {
		kept[r.key] = t.items[r.key]
	}
	t.items = kept
}
