package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Transcript is the list of messages in the page.
type Transcript struct {
	doc   Document
	clock func(protocol.Time) Time
	list  list
	items map[string]*messageItem // by row key
}

// NewTranscript takes over the messages that the gateway rendered. clock formats a time
// in the user's locale and time zone.
func NewTranscript(doc Document, clock func(protocol.Time) Time) *Transcript {
	t := &Transcript{doc: doc, clock: clock, items: map[string]*messageItem{}}
	t.list = adoptList(doc.ByID(markup.IDMessages),
		func(el Element) string { return rowKey(el.Attr(markup.AttrMessageID), "") })
	for _, r := range t.list.rows {
		t.items[r.key] = &messageItem{el: r.el}
	}
	return t
}

// rowKey returns the key of a message's row: by its id if it has one, else by its key.
func rowKey(id, key string) string {
	if id != "" {
		return "id " + id
	}
	return "key " + key
}

// Draw shows these messages. A message that has got its id since the last Draw keeps its
// element.
func (t *Transcript) Draw(messages []Message) { t.arrange(nil, messages) }

// DrawAfterServed shows own messages after those that the gateway rendered, for a session
// that is not loaded yet.
func (t *Transcript) DrawAfterServed(own []Message) {
	var served []string
	for _, r := range t.list.rows {
		if !t.items[r.key].drawn {
			served = append(served, r.key)
		}
	}
	t.arrange(served, own)
}

// arrange shows the rows with the keys unchanged as they are, then the messages.
func (t *Transcript) arrange(unchanged []string, messages []Message) {
	keys := append(make([]string, 0, len(unchanged)+len(messages)), unchanged...)
	for i := range messages {
		m := &messages[i]
		key := rowKey(m.ID, m.Key)
		if m.ID != "" && m.Key != "" {
			t.renameRow(rowKey("", m.Key), key)
		}
		keys = append(keys, key)
	}
	t.list.arrange(keys, func(i int) Element {
		m := &messages[i-len(unchanged)]
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

// Update draws one message again. It does nothing if the transcript does not have the
// message.
func (t *Transcript) Update(m *Message) {
	if it := t.items[rowKey(m.ID, m.Key)]; it != nil {
		it.draw(m, t.doc, t.clock)
	}
}

// renameRow changes the key of a row, unless another row has the new key.
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

// removeStaleItems removes the items that have no row any more.
func (t *Transcript) removeStaleItems() {
	if len(t.items) == len(t.list.rows) {
		return
	}
	items := make(map[string]*messageItem, len(t.list.rows))
	for _, r := range t.list.rows {
		items[r.key] = t.items[r.key]
	}
	t.items = items
}
