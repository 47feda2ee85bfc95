package app

import (
	"cmp"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// running reports whether a run is going on in the session, or waits.
func (c *chat) running(s *session) bool {
	if _, running := s.log.Running(); running || s.log.Queued() > 0 {
		return true
	}
	for _, m := range c.outbox.messages.Of(s.key) {
		if m.Ack != nil && s.log.Message(m.Ack.MessageID) == nil {
			return true
		}
	}
	return false
}

// messages is a session's transcript with the own messages that are not in it yet.
func (c *chat) transcriptViews(s *session) []view.Message {
	keys := c.matchOutbox(s)
	list := make([]view.Message, 0, len(s.log.Messages())+len(c.outbox.messages.All()))
	for _, m := range s.log.Messages() {
		shown := s.messageView(m)
		shown.Files = c.fileViews(m.Media)
		shown.Key = keys[m.ID]
		list = append(list, shown)
	}
	return append(list, c.outboxViews(s, keys)...)
}

// arrived gives the keys of own messages by the ids under which the log shows
// them, and lets go of those that are acknowledged. One whose answer is still out
// is known by its text.
func (c *chat) matchOutbox(s *session) map[string]string {
	keys := map[string]string{}
	for _, m := range c.outbox.messages.Of(s.key) {
		id := ""
		if m.Ack != nil {
			id = m.Ack.MessageID
		} else if m.Tried && m.Refused == nil {
			id = s.findSent(m, c.user, keys)
		}
		if s.log.Message(id) == nil {
			id = ""
		}
		if id != "" {
			keys[id] = m.Key
		}
		if m.Ack != nil && (id != "" || s.skipped(m.Ack)) {
			c.outbox.messages.Remove(m)
		}
	}
	return keys
}

// find gives the id of the message in the log that says what was sent, and is no
// other one of ours.
func (s *session) findSent(sent *client.Outgoing, user string, taken map[string]string) string {
	messages := s.log.Messages()
	for _, m := range messages {
		if m.Seq > sent.After && m.Role == protocol.FromUser && s.isOwn(m.Author, user) && m.Content == sent.Message &&
			sameFiles(sent.Files, m.Media) && taken[m.ID] == "" {
			return m.ID
		}
	}
	return ""
}

// passed reports whether the log goes on without a message that it had: it was
// reset since.
func (s *session) skipped(ack *protocol.ChatSendResult) bool {
	at := s.log.Cursor()
	return s.loaded() && at.Epoch != "" && (at.Epoch != ack.Epoch && ack.Epoch != "" || at.AfterSeq >= ack.Seq)
}

// own are the messages that the log does not show, which are those without arrived
// ones.
func (c *chat) outboxViews(s *session, arrived map[string]string) []view.Message {
	shown := make(map[string]bool, len(arrived))
	for _, key := range arrived {
		shown[key] = true
	}
	var list []view.Message
	for _, m := range c.outbox.messages.Of(s.key) {
		if shown[m.Key] {
			continue
		}
		v := view.Message{Key: m.Key, From: protocol.FromUser, At: m.At, Content: m.Message, Status: c.statusOf(m)}
		v.Files, v.Percent = c.outgoingFiles(m)
		if s.other != nil {
			v.ByOther, v.Author = true, c.user
		}
		if m.Ack != nil {
			v.ID, v.RunID, v.Seq = m.Ack.MessageID, m.Ack.RunID, m.Ack.Seq
		}
		if m.Refused != nil {
			v.Error = errorText(m.Refused)
		}
		list = append(list, v)
	}
	return list
}

// statusOf is a markup.Status… value.
func (c *chat) statusOf(m *client.Outgoing) string {
	switch {
	case m.Refused != nil:
		return markup.StatusUnsent
	case m.Ack != nil && m.Ack.Status == protocol.SendQueued:
		return markup.StatusQueued
	case m.Ack != nil:
		return markup.StatusComplete
	case c.reached() && !m.Uploaded():
		return markup.StatusUploading
	case c.reached() && !m.Sending() && c.paused():
		return markup.StatusPaused
	case c.reached():
		return markup.StatusSending
	}
	return markup.StatusWaiting
}

// refusedElsewhere are the messages of other sessions than the shown one that
// only their writer can help.
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

// strand keeps what was on its way to a session that is no more, unless that is
// the user's wish.
func (c *chat) settleUnsent(key string, wished bool) {
	stranded := false
	for _, m := range c.outbox.messages.Of(key) {
		switch {
		case m.Ack != nil:
			c.outbox.messages.Remove(m)
		case wished:
			c.removeMessage(m)
		case m.Refused == nil && !m.Sending():
			m.Refused = protocol.Refuse(protocol.NotFound, "That chat was deleted. Sending it again makes a new one.")
			c.messageRefused(m)
			stranded = true
		}
	}
	if stranded && key == c.shown.key {
		c.problem("What was not sent yet is kept: it stands above the composer of any other chat.")
	}
}
