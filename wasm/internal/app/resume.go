package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// maxInHand is how many sessions a page follows: the last that were looked at.
const maxInHand = 20

// atHand notes that a session is looked at, and lets go of the one that was not
// for longest.
func (c *chat) atHand(s *session) {
	c.hand = inserted(without(c.hand, func(o *session) bool { return o == s }), 0, s)
	if len(c.hand) <= maxInHand {
		return
	}
	for _, o := range c.hand[maxInHand:] {
		o.loaded = o.key == ""
		o.log = timeline.New(o.key)
	}
	c.hand = c.hand[:maxInHand]
}

// cursors is how far the sessions in hand have been read, the shown one first.
func (c *chat) cursors() []protocol.Cursor {
	var list []protocol.Cursor
	for _, s := range c.hand {
		if s.key != "" && s.loaded && !s.gone && !s.log.Stale() && !c.over {
			list = append(list, s.log.Cursor())
		}
	}
	return list
}

// resume takes what became of the cursors. Of sessions that were not resumed the
// shown one is loaded, and others when they are looked at.
func (c *chat) resume(resumed []protocol.ResumedCursor) {
	goesOn := map[string]bool{} // by key
	for i := range resumed {
		r := &resumed[i]
		s := c.all[r.SessionKey]
		if s == nil || !s.loaded {
			continue
		}
		if r.Status != protocol.ResumeGone {
			goesOn[s.key] = true
			c.resumed(s, r)
		} else if s.known {
			c.lost(s)
		} else {
			goesOn[s.key] = true // nobody has written there yet
		}
	}
	for _, s := range c.all {
		if s.key != "" && !s.gone && !goesOn[s.key] {
			c.reload(s)
		}
	}
}

func (c *chat) resumed(s *session, r *protocol.ResumedCursor) {
	had := s.log.Cursor()
	s.known = true
	s.missed = 0
	if had.Epoch == "" || had.Epoch == r.Epoch {
		s.missed, s.until = r.LastSeq-had.AfterSeq, r.LastSeq
	}
	s.log.Resumed(*r)
	if s.log.Stale() {
		c.heal(s)
		return
	}
	c.watchGap(s)
	c.caughtUp(s)
}

// caughtUpFor is how long the word on it stays.
const caughtUpFor = 4 * clock.Second

// caughtUp says, when all that was missed is here, how much it was.
func (c *chat) caughtUp(s *session) {
	if s != c.shown || s.missed <= 0 || s.log.Stale() || s.log.Cursor().AfterSeq < s.until {
		return
	}
	view.SetText(c.doc, markup.IDCaughtUp, "Caught up, "+words.Count(s.missed, "event"))
	s.missed = 0
	c.expire(caughtUpFor, func() { view.SetText(c.doc, markup.IDCaughtUp, "") })
}

// heal brings a session up to date whose log has a gap, or is another one.
func (c *chat) heal(s *session) {
	s.gap = clock.Time{}
	if _, open := s.log.Gap(); s.loaded && open {
		c.replay(s)
	} else if !s.loaded || s.log.Stale() {
		c.reload(s)
	}
}

// reload loads what somebody looks at anew, and the rest when somebody does.
func (c *chat) reload(s *session) {
	if s == c.shown {
		c.load(s)
	} else {
		s.loaded = false
	}
}

// replay asks for the events that are missing.
func (c *chat) replay(s *session) {
	if s.loading || !c.ready() {
		return
	}
	s.loading = true
	at := s.log.Cursor()
	var r protocol.ChatReplayResult
	params := &protocol.ChatReplayParams{SessionKey: s.key, Epoch: at.Epoch, AfterSeq: at.AfterSeq}
	c.look(protocol.MethodChatReplay, params.AppendJSON(nil), r.DecodeJSON, func(err *protocol.Error) {
		s.loading = false
		switch {
		case c.over:
		case err == nil:
			c.replayed(s, &r)
		case err.Code == protocol.NotFound:
			c.lost(s)
		case client.Retryable(err):
			s.gap = clock.Now() // tries again
		default:
			c.reload(s)
		}
	})
}

func (c *chat) replayed(s *session, r *protocol.ChatReplayResult) {
	outcome, changes := s.log.Replay(*r)
	if s == c.shown {
		c.show(changes)
	}
	_, open := s.log.Gap()
	switch {
	case outcome == timeline.Reset:
		c.heal(s)
	case open && len(r.Events) > 0:
		c.replay(s)
	default:
		c.watchGap(s)
		c.caughtUp(s)
	}
}

// lost notes that the gateway has a session no more.
func (c *chat) lost(s *session) {
	s.gone = true
	c.list.remove(s.key)
	c.strand(s.key, false)
	c.need(partBody)
}
