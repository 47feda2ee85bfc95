package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// session is a conversation that this page has opened.
type session struct {
	key      string          // "" until the first message of a new one
	followed *follow.Session // nil while the session is not followed
	log      *timeline.Timeline
	other    *otherUser // nil if the session is the user's own

	existed bool // the gateway had it once
	gone    bool // the gateway does not have it, as far as is known

	missed      int64 // how many events the session missed while there was no connection
	missedUntil int64 // seq of the last of them

	retrying bool              // chat.retry is under way
	retries  map[string]string // idempotency keys of retries that were not answered, by run
}

func newSession(key string) *session {
	return &session{key: key, log: timeline.New(key), retries: map[string]string{}}
}

// loaded reports whether log is the session's transcript. If not, only the page that the
// gateway rendered shows the transcript.
func (s *session) loaded() bool {
	return s.key == "" || s.gone || s.followed != nil && s.followed.Loaded
}

// messageView returns a message of the log as it is shown, without its files and the name of
// the agent.
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
		Finish:   string(m.Finish),
	}
	v.ByOther, v.Author = s.authorOf(m.Author)
	if m.Status == protocol.StatusStreaming {
		v.Activity = activityText(s.log.Activity(), clock.Now())
	}
	return v
}
