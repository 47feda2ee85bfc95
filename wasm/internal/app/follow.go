package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// maxFollowed is how many sessions a page follows: those that the user looked at last.
const maxFollowed = 20

// follow follows a session that the user looks at, and unfollows the one that the user
// has not looked at for longest if there are more than maxFollowed.
func (c *chat) follow(s *session) {
	if s.key == "" || s.gone {
		return
	}
	kind := follow.OwnSession
	if s.other != nil {
		kind = follow.OtherUsersSession
	}
	s.followed = c.followedSessions.Follow(s.key, kind)
	s.log = s.followed.Log
	c.followedSessions.Trim(maxFollowed)
}

// resumeSessions brings the sessions up to date after a connect, and notes how many
// events each has missed.
func (c *chat) resumeSessions(state client.State) {
	for i := range state.Resumed {
		r := &state.Resumed[i]
		s := c.opened[r.SessionKey]
		if s == nil || !s.loaded() || r.Status == protocol.ResumeGone {
			continue
		}
		cursor := s.log.Cursor()
		s.existed, s.missed = true, 0
		if cursor.Epoch == "" || cursor.Epoch == r.Epoch {
			s.missed, s.missedUntil = r.LastSeq-cursor.AfterSeq, r.LastSeq
		}
	}
	c.followedSessions.State(state)
}

// caughtUpFor is how long "Caught up" stays on the page.
const caughtUpFor = 4 * clock.Second

// showCaughtUp shows how many events the session on the screen had missed, once those events
// have arrived.
func (c *chat) showCaughtUp() {
	s := c.shown
	if s.missed <= 0 || s.log.Stale() || s.log.Cursor().AfterSeq < s.missedUntil {
		return
	}
	view.SetText(c.doc, markup.IDCaughtUp, "Caught up, "+words.Count(s.missed, "event"))
	s.missed = 0
	c.expireAfter(caughtUpFor, func() { view.SetText(c.doc, markup.IDCaughtUp, "") })
}
