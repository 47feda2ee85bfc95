package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// queryInterval is the time between two delayed queries, and between the end of the rate
// limit's pause and the first of them: the user's messages go first.
const queryInterval = clock.Second

// rateLimited notes an error of the gateway's rate limit (RESOURCE_EXHAUSTED), and until
// when to wait; it ignores other errors. If all is false, only messages wait: chat.send
// may be refused because of its session alone, which is no reason to delay other
// requests.
func (s *basePage) rateLimited(err *protocol.Error, all bool) {
	if err.Code != protocol.ResourceExhausted {
		return
	}
	s.connectionAlive()
	if !s.paused() {
		view.Announce(s.doc, "Slow down: the gateway takes no more requests for a while. "+
			"Nothing is lost, and it goes on by itself.")
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

// blocked reports whether the rate limit would refuse every request now; paused, whether
// some requests.
func (s *basePage) blocked() bool { return clock.Now().Before(s.blockedUntil) }
func (s *basePage) paused() bool  { return clock.Now().Before(s.pausedUntil) }

// query is call for a request that changes nothing. While the rate limit refuses
// requests, the query is delayed. A new connection drops the delayed queries: it makes
// its own.
func (s *basePage) query(method string, params []byte, read func(*jsontext.Decoder),
	done func(*protocol.Error)) {
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

// runDelayedQuery makes the next delayed query if it is due.
func (s *basePage) runDelayedQuery(now clock.Time) {
	if len(s.delayedQueries) > 0 && s.connState.Phase == client.Ready &&
		now.Sub(s.blockedUntil) >= queryInterval {
		again := s.delayedQueries[0]
		s.delayedQueries, s.blockedUntil = s.delayedQueries[1:], now
		again()
	}
}
