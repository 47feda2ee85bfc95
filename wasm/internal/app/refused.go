package app

import (
	"cmp"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// refusedInOtherSessions returns the refused messages of sessions that are not on the
// screen.
func (c *chat) refusedInOtherSessions() []view.Refused {
	var list []view.Refused
	for _, m := range c.outbox.messages.All() {
		if m.Refused != nil && m.SessionKey != c.shown.key {
			list = append(list, view.Refused{
				Key: m.Key, Label: c.list.label(m.SessionKey), Error: errorText(m.Refused),
				Text: cmp.Or(m.Message, fileNames(m.Files)),
			})
		}
	}
	return list
}

// outboxSessionDeleted handles the outbox's messages of a session that was deleted. If this user
// deleted it here (byUser), they are removed; else they stay, as refused ones.
func (c *chat) outboxSessionDeleted(key string, byUser bool) {
	refused := false
	for _, m := range c.outbox.messages.Of(key) {
		switch {
		case m.Ack != nil:
			c.outbox.messages.Remove(m)
		case byUser:
			c.removeMessage(m)
		case m.Refused == nil && !m.Sending():
			m.Refused = protocol.Refuse(protocol.NotFound,
				"That chat was deleted. Sending it again makes a new one.")
			c.messageRefused(m)
			refused = true
		}
	}
	if refused && key == c.shown.key {
		c.problem("This chat was deleted. Its unsent messages are kept: you find them above the " +
			"composer of any other chat.")
	}
}

// messageRefused stores a message that the gateway refused. The user decides what to do
// with it.
func (c *chat) messageRefused(m *client.Outgoing) {
	if c.outbox.messages.Find(m.Key) == m {
		c.storeMessage(m)
		view.Announce(c.doc, "A message was not sent: "+errorText(m.Refused))
	}
}

// resend sends a refused message again.
func (c *chat) resend(key string) {
	if m := c.outbox.messages.Find(key); m != nil && m.Refused != nil {
		m.Refused = nil
		for i := range m.Files {
			u := c.attachments.upload(m.Files[i].Key)
			u.err, u.askedTabs = nil, clock.Time{}
		}
		c.storeMessage(m)
		c.retryFiles()
		c.flush()
	}
}
