package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// connect starts a new client instead of the last one.
func (s *basePage) connect() {
	if s.conn != nil {
		s.conn.Stop()
	}
	s.conn = s.dial()
	s.conn.Start()
}

// call makes a request. read decodes the payload of its answer; then done is called, on
// the loop, with the error or nil.
func (s *basePage) call(
	method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error),
) {
	s.conn.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		s.do(func() {
			if err == nil {
				s.connectionAlive()
			} else {
				s.rateLimited(err, method != protocol.MethodChatSend)
			}
			if err == nil && jsontext.Read(payload, read) != nil {
				err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
			}
			done(err)
		})
	})
}

// pageVisible connects at once, unless the browser says that there is no network.
func (s *basePage) pageVisible() {
	if s.browser.Online() {
		s.tryNow()
	}
	s.redraw(partConnection)
}

// networkChanged is called when the browser has found or lost the network. A connection
// may survive a loss, such as one to this machine, so a request finds out whether it
// does. When the network is back, a new connection is made: the old one may be dead
// without notice.
func (s *basePage) networkChanged(up bool) {
	switch {
	case !up:
		s.offline, s.unverified = true, true
		if s.connState.Phase == client.Ready {
			s.call(protocol.MethodHealth, nil, func(d *jsontext.Decoder) { d.Skip() },
				func(*protocol.Error) {})
		}
		s.tryNow()
	case s.offline && s.conn != nil:
		s.offline = false
		s.conn.Redial()
		if s.retryNow != nil {
			s.retryNow()
		}
	default:
		s.tryNow()
	}
	s.redraw(partConnection | partBody)
}

// connectionAlive notes that something has arrived on the connection.
func (s *basePage) connectionAlive() {
	if s.unverified {
		s.unverified = false
		s.redraw(partConnection | partBody)
	}
}

// reached reports whether the gateway can be reached, as far as the page knows.
func (s *basePage) reached() bool {
	return s.connState.Phase == client.Ready && (!s.unverified || s.browser.Online())
}

func (s *basePage) tryNow() {
	if s.conn != nil {
		s.conn.TryNow()
	}
	if s.retryNow != nil {
		s.retryNow()
	}
}

// connectionChanged is called when the connection's state has changed, before the page's
// own state function.
func (s *basePage) connectionChanged(st client.State) {
	s.connState = st
	if st.Phase == client.Ready {
		s.connectionAlive()
	}
	s.delayedQueries = nil // a new connection makes its own
	s.examineIfFailing(st)
	s.announceConnection(st)
	s.redraw(partConnection)
}

// announceConnection tells assistive technology that the connection is lost, or back.
func (s *basePage) announceConnection(st client.State) {
	switch {
	case st.Phase == client.Waiting && !s.announcedLost:
		s.announcedLost = true
		view.Announce(s.doc, "The connection is lost.")
	case st.Phase == client.Ready && s.announcedLost:
		s.announcedLost = false
		view.Announce(s.doc, "Connected again.")
	}
}

// connectionView returns the state of the connection as the page shows it.
func (s *basePage) connectionView() view.Connection {
	connected := s.connState.Phase == client.Ready || s.connState.Phase == client.Pairing
	if !s.browser.Online() && (!connected || s.unverified) {
		return view.Connection{State: markup.LinkOffline}
	}
	switch s.connState.Phase {
	case client.Ready, client.Pairing:
		if s.paused() {
			return view.Connection{State: markup.LinkSlow, Seconds: secondsUntil(s.pausedUntil)}
		}
		return view.Connection{State: markup.LinkConnected}
	case client.Waiting:
		l := view.Connection{State: markup.LinkReconnecting, Seconds: secondsUntil(s.connState.RetryAt)}
		if s.connState.Attempt >= failingAfter {
			l.State = markup.LinkFailing
		}
		return l
	case client.Refused:
		return view.Connection{State: markup.LinkRefused, Reason: s.connState.Err.Message}
	}
	return view.Connection{State: markup.LinkConnecting}
}

// secondsUntil returns the seconds until t, rounded up, so that a countdown ends with 1.
func secondsUntil(t clock.Time) int64 {
	return int64((clock.Until(t) + clock.Second - 1) / clock.Second)
}
