package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// session is a conversation that this page has opened.
type session struct {
	key      string          // "" until the first message of a new one
	followed *follow.Session // nil while it is not followed
	log      *timeline.Timeline
	other    *otherUser // whose it is, if it is another user's

	known bool // the gateway had it once
	gone  bool // and has it no more

	missed      int64 // events while there was no connection, up to and with until
	missedUntil int64

	retrying bool              // chat.retry is under way
	retries  map[string]string // keys of those whose outcome is not known, by run
}

func newSession(key string) *session {
	return &session{key: key, log: timeline.New(key), retries: map[string]string{}}
}

// loaded reports whether log is the transcript; else only the page that the server
// rendered is.
func (s *session) loaded() bool {
	return s.key == "" || s.gone || s.followed != nil && s.followed.Loaded
}

// show is a message of the log as it is shown.
func (s *session) messageView(m *timeline.Message) view.Message {
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
	v.ByOther, v.Author = s.authorOf(m.Author)
	if m.Status == protocol.StatusStreaming {
		v.Activity = activityText(s.log.Activity())
	}
	return v
}
