package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// lookPace is how long after another a look that waited is made, and after the end
// of a pause, whose first requests are the user's messages.
const queryInterval = clock.Second

// slowDown notes that the gateway has had more requests than it takes, and for how
// long it takes none. A message may be refused for the sake of its session alone:
// that stops nothing else.
func (s *basePage) rateLimited(err *protocol.Error, all bool) {
	if err.Code != protocol.ResourceExhausted {
		return
	}
	s.connectionAlive()
	if !s.paused() {
		view.Announce(s.doc, "Slow down: the gateway takes no more requests for a while. Nothing is lost.")
	}
	until := clock.Now().Add(clock.Duration(err.RetryAfterMs) * clock.Millisecond)
	if s.pausedUntil.Before(until) {
		s.pausedUntil = until
	}
	if all {
		s.blockedUntil = s.pausedUntil
	}
	s.redraw(partConnection | partBody)
}

// slowed reports whether requests would be refused now, paused whether some would.
func (s *basePage) blocked() bool { return clock.Now().Before(s.blockedUntil) }
func (s *basePage) paused() bool  { return clock.Now().Before(s.pausedUntil) }

// look is ask for what changes nothing: while the gateway takes no requests, it
// waits. A new connection forgets those that wait.
func (s *basePage) query(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error)) {
	again := func() { s.query(method, params, read, done) }
	if s.blocked() {
		s.delayedQueries = append(s.delayedQueries, again)
		return
	}
	s.call(method, params, read, func(err *protocol.Error) {
		if err != nil && s.blocked() && s.connState.Phase == client.Ready {
			again()
		} else {
			done(err)
		}
	})
}

// goOn makes the next look, when it is time.
func (s *basePage) runDelayedQuery(now clock.Time) {
	if len(s.delayedQueries) > 0 && s.connState.Phase == client.Ready && now.Sub(s.blockedUntil) >= queryInterval {
		again := s.delayedQueries[0]
		s.delayedQueries, s.blockedUntil = s.delayedQueries[1:], now
		again()
	}
}
