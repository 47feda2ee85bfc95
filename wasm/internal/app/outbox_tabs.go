package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// readStored merges what is stored, then calls then.
func (c *chat) readStored(then func()) {
	c.storage.ReadAll(func(texts []string, durable bool) {
		c.do(func() {
			if !c.ended {
				c.mergeStored(texts, durable)
			}
			then()
		})
	})
}

// mergeStored updates the outbox and the drafts from what is stored: names and texts in
// turn.
func (c *chat) mergeStored(texts []string, durable bool) {
	c.outbox.durable, c.outbox.current = durable, c.outbox.tabsConnected
	found := map[string]bool{} // keys of stored messages
	for i := 0; i+1 < len(texts); i += 2 {
		if key, ok := text.CutPrefix(texts[i], messagePrefix); ok {
			found[key], c.outbox.stored[key] = true, true
			c.mergeMessage(key, texts[i+1])
		} else if key, ok := text.CutPrefix(texts[i], draftPrefix); ok {
			c.mergeDraft(key, texts[i+1])
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.outbox.messages.All()...) {
		if c.outbox.stored[m.Key] && !found[m.Key] && m.Ack == nil && !m.Sending() {
			// another tab sent or removed it, and its message about that was lost
			c.removeLocally(m)
		}
	}
	c.seekFiles()
	c.uploadNext()
	if s := c.shown; s.gone && !s.existed && len(c.outbox.messages.Of(s.key)) > 0 {
		s.gone = false // the session exists only in this browser yet
		c.follow(s)
	}
	c.redraw(partBody | partList)
}

// mergeMessage takes a message as it is stored.
func (c *chat) mergeMessage(key, value string) {
	m := new(client.Outgoing)
	if c.outbox.finished[key] || jsontext.Read(jsontext.Raw(value), m.DecodeJSON) != nil ||
		m.Key != key {
		return
	}
	existing := c.outbox.messages.Find(key)
	if existing == nil {
		c.outbox.messages.Add(m)
	} else if existing.Ack == nil && !existing.Sending() {
		existing.Tried, existing.Refused = existing.Tried || m.Tried, m.Refused
		existing.TakeMedia(m)
	}
	c.redraw(partBody | partList)
}

// tabMessage handles what another tab has put or broadcast.
func (c *chat) tabMessage(name, value string) {
	if c.ended {
		// this page took the sign-out for a revocation
		if name == purgedName && value == markup.StateSignedOut {
			view.SetState(c.doc, value)
		}
		return
	}
	if key, ok := text.CutPrefix(name, messagePrefix); ok {
		c.messageChangedInTab(key, value)
	} else if key, ok := text.CutPrefix(name, sentPrefix); ok {
		var ack protocol.ChatSendResult
		if jsontext.Read(jsontext.Raw(value), ack.DecodeJSON) == nil {
			c.messageSentByTab(key, &ack)
		}
	} else if key, ok := text.CutPrefix(name, draftPrefix); ok {
		c.setDraft(key, value)
	} else if text.HasPrefix(name, wantPrefix) || text.HasPrefix(name, havePrefix) {
		c.fileMessage(name, value)
	} else if name == "" {
		c.syncStored()
	} else if name == purgedName {
		c.end(value)
		c.conn.Stop()
		c.purgeStored(func() {}) // also what this tab has put meanwhile
	}
}

// otherTabDelay is how long other tabs wait for the tab in which a message was written,
// or that has a file, before they do its work.
const otherTabDelay = clock.Second

// messageChangedInTab takes a message that another tab has stored, or removed ("").
func (c *chat) messageChangedInTab(key, value string) {
	if value != "" {
		c.mergeMessage(key, value)
		c.seekFiles()
		clock.AfterFunc(otherTabDelay, func() { c.do(c.flush) })
		return
	}
	if m := c.outbox.messages.Find(key); m != nil && m.Ack == nil && !m.Sending() {
		c.removeMessage(m) // also what this tab may have stored in between
	} else if m == nil {
		c.outbox.finished[key] = true
	}
}

// messageSentByTab takes the gateway's answer to a message that another tab has sent.
func (c *chat) messageSentByTab(key string, ack *protocol.ChatSendResult) {
	c.outbox.finished[key] = true
	if m := c.outbox.messages.Find(key); m != nil && m.Ack == nil {
		m.Ack, m.Refused = ack, nil
		c.messageAcknowledged(m)
	}
}
