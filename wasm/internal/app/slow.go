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
const lookPace = clock.Second

// slowDown notes that the gateway has had more requests than it takes, and for how
// long it takes none. A message may be refused for the sake of its session alone:
// that stops nothing else.
func (s *shell) slowDown(err *protocol.Error, all bool) {
	if err.Code != protocol.ResourceExhausted {
		return
	}
	s.heard()
	if !s.paused() {
		view.Announce(s.doc, "Slow down: the gateway takes no more requests for a while. Nothing is lost.")
	}
	until := clock.Now().Add(clock.Duration(err.RetryAfterMs) * clock.Millisecond)
	if s.pause.Before(until) {
		s.pause = until
	}
	if all {
		s.slow = s.pause
	}
	s.need(partLink | partBody)
}

// slowed reports whether requests would be refused now, paused whether some would.
func (s *shell) slowed() bool { return clock.Now().Before(s.slow) }
func (s *shell) paused() bool { return clock.Now().Before(s.pause) }

// look is ask for what changes nothing: while the gateway takes no requests, it
// waits. A new connection forgets those that wait.
func (s *shell) look(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error)) {
	again := func() { s.look(method, params, read, done) }
	if s.slowed() {
		s.looks = append(s.looks, again)
		return
	}
	s.ask(method, params, read, func(err *protocol.Error) {
		if err != nil && s.slowed() && s.link.Phase == client.Ready {
			again()
		} else {
			done(err)
		}
	})
}

// goOn makes the next look, when it is time.
func (s *shell) goOn(now clock.Time) {
	if len(s.looks) > 0 && s.link.Phase == client.Ready && now.Sub(s.slow) >= lookPace {
		again := s.looks[0]
		s.looks, s.slow = s.looks[1:], now
		again()
	}
}
