package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// running reports whether a run of the session is under way or queued.
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

// transcriptViews returns a session's transcript as it is shown: the messages of the log,
// then those of the outbox that the log does not have yet.
func (c *chat) transcriptViews(s *session) []view.Message {
	keys := c.matchOutbox(s)
	list := make([]view.Message, 0, len(s.log.Messages())+len(c.outbox.messages.All()))
	agent := c.agentOf(s)
	for _, m := range s.log.Messages() {
		shown := s.messageView(m)
		shown.Name = agent
		shown.Files = c.fileViews(m.Media)
		shown.Key = keys[m.ID]
		list = append(list, shown)
	}
	return append(list, c.outboxViews(s, keys)...)
}

// matchOutbox finds the outbox's messages in the session's log. It returns their keys by
// the ids that they have in the log, and removes the acknowledged ones from the outbox. A
// message that was sent but not answered has no id yet: its text and files identify it.
func (c *chat) matchOutbox(s *session) map[string]string {
	keysByID := map[string]string{}
	for _, m := range c.outbox.messages.Of(s.key) {
		id := ""
		if m.Ack != nil {
			id = m.Ack.MessageID
		} else if m.Tried && m.Refused == nil {
			id = s.findSent(m, c.user, keysByID)
		}
		if s.log.Message(id) == nil {
			id = ""
		}
		if id != "" {
			keysByID[id] = m.Key
		}
		if m.Ack != nil && (id != "" || s.skipped(m.Ack)) {
			c.outbox.messages.Remove(m)
		}
	}
	return keysByID
}

// findSent returns the id of the message in the log that has the text and files of one
// that was sent and is not taken by another message of the outbox, or "".
func (s *session) findSent(sent *client.Outgoing, user string, taken map[string]string) string {
	messages := s.log.Messages()
	for _, m := range messages {
		if m.Seq > sent.After && m.Role == protocol.FromUser && s.isOwn(m.Author, user) &&
			m.Content == sent.Message &&
			sameFiles(sent.Files, m.Media) && taken[m.ID] == "" {
			return m.ID
		}
	}
	return ""
}

// skipped reports whether the log is past an acknowledged message without having it: the
// log was reset since.
func (s *session) skipped(ack *protocol.ChatSendResult) bool {
	at := s.log.Cursor()
	return s.loaded() && at.Epoch != "" && (at.Epoch != ack.Epoch && ack.Epoch != "" ||
		at.AfterSeq >= ack.Seq)
}

// outboxViews returns the session's messages of the outbox that the log does not have.
// arrived is what matchOutbox returned.
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
		v := view.Message{Key: m.Key, From: protocol.FromUser, At: m.At, Content: m.Message,
			Status: c.statusOf(m)}
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

// statusOf returns the status of a message in the outbox, a markup.Status… value.
func (c *chat) statusOf(m *client.Outgoing) string {
	switch {
	case m.Refused != nil:
		return markup.StatusUnsent
	case m.Ack != nil && m.Ack.Status == protocol.SendQueued:
		return markup.StatusQueued
	case m.Ack != nil:
		return markup.StatusComplete
	case c.reachable() && !m.Uploaded():
		return markup.StatusUploading
	case c.reachable() && !m.Sending() && c.paused():
		return markup.StatusPaused
	case c.reachable():
		return markup.StatusSending
	}
	return markup.StatusWaiting
}
