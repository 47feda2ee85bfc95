package app

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// session is a conversation that this page has opened.
type session struct {
	key   string // "" until the first message of a new one
	log   *timeline.Timeline
	out   outbox
	draft string // what stands in the composer while another session is shown

	loaded  bool // log is the transcript; else only the page that the server rendered is
	loading bool // chat.history is under way
	earlier bool // and one for earlier messages
	known   bool // the gateway had it once
	gone    bool // and has it no more
	gap     time.Time
}

func newSession(key string) *session {
	return &session{key: key, log: timeline.New(key), loaded: key == ""}
}

// running reports whether a run is going on or waits.
func (s *session) running() bool {
	if _, running := s.log.Running(); running || s.log.Queued() > 0 {
		return true
	}
	for _, m := range s.out.queue {
		if m.ack != nil && s.log.Message(m.ack.MessageID) == nil {
			return true
		}
	}
	return false
}

// messages is the transcript with the own messages that are not in it yet; ready
// tells whether there is a connection to send those over.
func (s *session) messages(ready bool) []view.Message {
	keys := s.arrived()
	list := make([]view.Message, 0, len(s.log.Messages())+len(s.out.queue))
	for _, m := range s.log.Messages() {
		shown := s.show(m)
		shown.Key = keys[m.ID]
		list = append(list, shown)
	}
	return append(list, s.own(keys, ready)...)
}

// arrived gives the keys of own messages by the ids under which the log shows
// them, and lets go of those that are acknowledged. One whose answer is still
// out is known by its text: a session has only one such message at a time.
func (s *session) arrived() map[string]string {
	var keys map[string]string
	for _, m := range append([]*outgoing(nil), s.out.queue...) {
		id := ""
		if m.ack != nil {
			id = m.ack.MessageID
		} else if m.tried {
			id = s.find(m)
		}
		if id == "" || s.log.Message(id) == nil {
			continue
		}
		if keys == nil {
			keys = map[string]string{}
		}
		keys[id] = m.key
		if m.ack != nil {
			s.out.remove(m)
		}
	}
	return keys
}

func (s *session) find(sent *outgoing) string {
	messages := s.log.Messages()
	for i := len(messages) - 1; i >= 0 && messages[i].Seq > sent.after; i-- {
		if m := messages[i]; m.Role == protocol.FromUser && m.Author == nil && m.Content == sent.text {
			return m.ID
		}
	}
	return ""
}

// own are the messages that only this page knows.
func (s *session) own(arrived map[string]string, ready bool) []view.Message {
	shown := make(map[string]bool, len(arrived))
	for _, key := range arrived {
		shown[key] = true
	}
	var list []view.Message
	for _, m := range s.out.queue {
		if shown[m.key] {
			continue
		}
		v := view.Message{Key: m.key, From: protocol.FromUser, At: m.at, Content: m.text, Status: m.status(ready)}
		if m.ack != nil {
			v.ID, v.RunID, v.Seq = m.ack.MessageID, m.ack.RunID, m.ack.Seq
		}
		if m.refused != nil {
			v.Error = sentence(m.refused)
		}
		list = append(list, v)
	}
	return list
}

// status is a markup.Status… value.
func (m *outgoing) status(ready bool) string {
	switch {
	case m.refused != nil:
		return markup.StatusUnsent
	case m.ack != nil && m.ack.Status == protocol.SendQueued:
		return markup.StatusQueued
	case m.ack != nil:
		return markup.StatusComplete
	case ready:
		return markup.StatusSending
	}
	return markup.StatusWaiting
}

// show is a message of the log as it is shown.
func (s *session) show(m *timeline.Message) view.Message {
	v := view.Message{
		ID:       m.ID,
		From:     m.Role,
		Status:   string(m.Status),
		RunID:    m.RunID,
		Seq:      m.Seq,
		At:       m.CreatedAt,
		Content:  m.Content,
		Blocks:   m.Blocks,
		Label:    m.Label,
		Thinking: m.Thinking,
		Error:    m.Error,
	}
	if m.Author != nil {
		v.ByOther, v.Author = true, m.Author.UserID
	}
	if m.Status == protocol.StatusStreaming {
		v.Activity = activity(s.log.Activity())
	}
	return v
}
