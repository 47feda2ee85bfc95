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

// rateLimited notes until when the gateway's rate limit refuses requests, if err is
// RESOURCE_EXHAUSTED; it ignores other errors. all says that all requests wait. After a
// chat.send all is false, since the limit of its session alone may have refused it.
func (b *basePage) rateLimited(err *protocol.Error, all bool) {
	if err.Code != protocol.ResourceExhausted {
		return
	}
	b.connectionAlive()
	if !b.paused() {
		view.Announce(b.doc, "Slow down: the gateway takes no more requests for a while. "+
			"Nothing is lost, and it goes on by itself.")
	}
	until := clock.Now().Add(clock.Duration(err.RetryAfterMs) * clock.Millisecond)
	if b.pausedUntil.Before(until) {
		b.pausedUntil = until
	}
	if all {
		b.blockedUntil = b.pausedUntil
	}
	b.redraw(partConnection | partBody)
}

// blocked reports whether the rate limit would refuse every request now; paused, whether
// some requests.
func (b *basePage) blocked() bool { return clock.Now().Before(b.blockedUntil) }
func (b *basePage) paused() bool  { return clock.Now().Before(b.pausedUntil) }

// query is like call, for a request that changes nothing. While the rate limit refuses
// requests, the query is delayed. A new connection drops the delayed queries, since the page
// queries everything again then.
func (b *basePage) query(method string, params []byte, read func(*jsontext.Decoder),
	done func(*protocol.Error)) {
	again := func() { b.query(method, params, read, done) }
	if b.blocked() {
		b.delayedQueries = append(b.delayedQueries, again)
		return
	}
	b.call(method, params, read, func(err *protocol.Error) {
		if err != nil && b.blocked() && b.connState.Phase == client.Ready {
			again()
		} else {
			done(err)
		}
	})
}

// runDelayedQuery makes the next delayed query if it is due.
func (b *basePage) runDelayedQuery(now clock.Time) {
	if len(b.delayedQueries) > 0 && b.connState.Phase == client.Ready &&
		now.Sub(b.blockedUntil) >= queryInterval {
		again := b.delayedQueries[0]
		b.delayedQueries, b.blockedUntil = b.delayedQueries[1:], now
		again()
	}
}
