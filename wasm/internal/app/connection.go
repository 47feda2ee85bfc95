package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// connect starts a new client instead of the last one.
func (b *basePage) connect() {
	if b.conn != nil {
		b.conn.Stop()
	}
	b.conn = b.newClient()
	b.conn.Start()
}

// call makes a request. read decodes the payload of its answer; then done is called, on
// the loop, with the error or nil.
func (b *basePage) call(
	method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error),
) {
	b.conn.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		b.do(func() {
			if err == nil {
				b.connectionAlive()
			} else {
				b.rateLimited(err, method != protocol.MethodChatSend)
			}
			if err == nil && jsontext.Read(payload, read) != nil {
				err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
			}
			done(err)
		})
	})
}

// pageVisible connects at once, unless the browser says that there is no network.
func (b *basePage) pageVisible() {
	if b.browser.Online() {
		b.tryNow()
	}
	b.redraw(partConnection)
}

// networkChanged is called when the browser has found or lost the network. A connection
// may survive a loss, such as one to this machine, so a request finds out whether it
// does. When the network is back, a new connection is made: the old one may be dead
// without notice.
func (b *basePage) networkChanged(up bool) {
	switch {
	case !up:
		b.offline, b.unverified = true, true
		if b.connState.Phase == client.Ready {
			b.call(protocol.MethodHealth, nil, func(d *jsontext.Decoder) { d.Skip() },
				func(*protocol.Error) {})
		}
		b.tryNow()
	case b.offline && b.conn != nil:
		b.offline = false
		b.conn.Redial()
		if b.retryNow != nil {
			b.retryNow()
		}
	default:
		b.tryNow()
	}
	b.redraw(partConnection | partBody)
}

// connectionAlive notes that something has arrived on the connection.
func (b *basePage) connectionAlive() {
	if b.unverified {
		b.unverified = false
		b.redraw(partConnection | partBody)
	}
}

// reachable reports whether the gateway can be reached, as far as the page knows.
func (b *basePage) reachable() bool {
	return b.connState.Phase == client.Ready && (!b.unverified || b.browser.Online())
}

func (b *basePage) tryNow() {
	if b.conn != nil {
		b.conn.TryNow()
	}
	if b.retryNow != nil {
		b.retryNow()
	}
}

// connectionChanged is called when the connection's state has changed, before the page's
// own state function.
func (b *basePage) connectionChanged(st client.State) {
	b.connState = st
	if st.Phase == client.Ready {
		b.connectionAlive()
	}
	b.delayedQueries = nil // a new connection makes its own
	b.checkIfFailing(st)
	b.announceConnection(st)
	b.redraw(partConnection)
}

// announceConnection tells assistive technology that the connection is lost, back or
// refused.
func (b *basePage) announceConnection(st client.State) {
	switch {
	case st.Phase == client.Waiting && !b.announcedLost:
		b.announcedLost = true
		view.Announce(b.doc, "The connection is lost.")
	case st.Phase == client.Ready && b.announcedLost:
		b.announcedLost = false
		view.Announce(b.doc, "Connected again.")
	case st.Phase == client.Refused:
		view.Announce(b.doc, words.Refusal(st.Err)+".")
	}
}

// connectionView returns the state of the connection as the page shows it.
func (b *basePage) connectionView() view.Connection {
	connected := b.connState.Phase == client.Ready || b.connState.Phase == client.Pairing
	if !b.browser.Online() && (!connected || b.unverified) {
		return view.Connection{State: markup.LinkOffline}
	}
	switch b.connState.Phase {
	case client.Ready, client.Pairing:
		if b.paused() {
			return view.Connection{State: markup.LinkSlow, Seconds: secondsUntil(b.pausedUntil)}
		}
		return view.Connection{State: markup.LinkConnected}
	case client.Waiting:
		l := view.Connection{State: markup.LinkReconnecting, Seconds: secondsUntil(b.connState.RetryAt)}
		if b.connState.Attempt >= failingAfter {
			l.State = markup.LinkFailing
		}
		return l
	case client.Refused:
		return view.Connection{State: markup.LinkRefused, Reason: words.Refusal(b.connState.Err)}
	}
	return view.Connection{State: markup.LinkConnecting}
}

// secondsUntil returns the seconds until t, rounded up, so that a countdown ends with 1.
func secondsUntil(t clock.Time) int64 {
	return int64((clock.Until(t) + clock.Second - 1) / clock.Second)
}
