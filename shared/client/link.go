package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// step is how far a socket has come.
type step uint8

const (
	dialing step = iota
	greeting
	pairing
	ready
)

// link is one socket's life. It counts as long as it is the Client's link; what a
// socket says after that is ignored.
type link struct {
	client *Client
	socket Socket
	step   step
	began  moment // this step
	heard  moment // the last message
	waits  string // id of the connect or browser.pairing.status under way
	probed bool   // a sign of life was asked for, and nothing heard since
}

func (l *link) enter(s step) {
	l.step, l.began = s, l.client.now()
}

// current runs f with the lock held if the link still counts.
func (l *link) current(f func()) {
	l.client.do(func() {
		if l.client.link == l {
			f()
		}
	})
}

// opened says hello.
func (l *link) opened() {
	l.current(func() {
		if l.step == dialing {
			l.client.greet()
		}
	})
}

// message takes a frame.
func (l *link) message(data []byte) {
	l.current(func() {
		l.heard, l.probed = l.client.now(), false
		l.client.receive(data)
	})
}

// closed ends the link as the code says.
func (l *link) closed(code int, reason string) {
	l.current(func() { l.client.closed(code, reason) })
}

// dial opens a socket; there is none at the moment.
func (c *Client) dial() {
	l := &link{client: c}
	l.enter(dialing)
	c.link = l
	c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	c.ringIn(dialTimeout, func() { c.lose(unavailable("the gateway did not answer within 15 s")) })
	l.socket = c.transport.Dial(&ear{l.opened, l.message, l.closed})
}

// ear is a link's SocketHandler. It holds functions and not the link, because a
// type behind an interface is linked with all that could be asked of what is in
// it: the link's times would bring package time's calendar into the browser.
type ear struct {
	opened  func()
	message func([]byte)
	closed  func(int, string)
}

func (e *ear) Opened()                        { e.opened() }
func (e *ear) Message(data []byte)            { e.message(data) }
func (e *ear) Closed(code int, reason string) { e.closed(code, reason) }

// drop gives the socket up, if there is one, and ends the calls on it.
func (c *Client) drop(code int, reason string) {
	if l := c.link; l != nil {
		c.link = nil
		l.socket.Close(code, reason)
	}
	c.failCalls()
}

// lose gives up a socket that does not work and waits before the next.
func (c *Client) lose(err *protocol.Error) {
	l := c.link
	c.drop(closeSilent, err.Message)
	c.wait(l, err)
}

// redial gives up a socket that is not trusted, if there is one, and does not
// wait before the next.
func (c *Client) redial(reason string) {
	c.noteSteady(c.link)
	c.drop(closeSilent, reason)
	c.dial()
}

// noteSteady sets the wait back after a link that worked; nil is none.
func (c *Client) noteSteady(l *link) {
	if l != nil && l.step >= pairing && c.since(l.began) >= steadyAfter {
		c.attempt = 0
	}
}

// wait arranges the next try after l, which has ended.
func (c *Client) wait(l *link, err *protocol.Error) {
	c.noteSteady(l)
	c.waitSince = c.now()
	c.waitFor = max(backoff(c.attempt, c.random()), c.retryAfter)
	c.attempt++
	c.retryAfter = 0
	c.setState(State{
		Phase:   Waiting,
		Pairing: c.state.Pairing,
		RetryAt: c.waitSince.wall.Add(c.waitFor),
		Attempt: c.attempt,
		Err:     err,
	})
	c.checkRetry()
}

// checkRetry dials when the wait is over by either clock, so that a machine
// that slept through it tries at once.
func (c *Client) checkRetry() {
	left := c.waitFor - c.since(c.waitSince)
	if left <= 0 {
		c.dial()
		return
	}
	c.ringIn(min(left, retryCheck), c.checkRetry)
}

// refuse gives up a credential that the gateway does not want.
func (c *Client) refuse(err *protocol.Error) {
	c.drop(closeDone, "")
	c.alarm.stop()
	if err.Code == protocol.NotPaired {
		c.hello.SenderID = ""
	}
	c.setState(State{Phase: Refused, Err: err})
}

// closed follows the close codes of the protocol.
func (c *Client) closed(code int, reason string) {
	l := c.link
	c.link = nil
	if code == protocol.CloseTooBig {
		c.failBiggest()
	}
	c.failCalls()
	switch {
	case code == protocol.ClosePolicy && reason == protocol.ReasonRevoked:
		c.refuse(notPaired(protocol.PairingRevoked))
	case code == protocol.ClosePolicy && reason == protocol.ReasonDisconnected:
		c.refuse(protocol.Refuse(protocol.FailedPrecondition, reason)) // the credential is good
	case code == protocol.ClosePolicy:
		if reason == "" {
			reason = "the gateway closed the connection and does not want this credential"
		}
		c.refuse(protocol.Refuse(protocol.Unauthorized, reason))
	default:
		if reason == "" {
			reason = "the connection was lost"
		}
		c.wait(l, unavailable(reason))
	}
}

// silence is how long a ready connection may say nothing: two ticks and a half.
func (c *Client) silence() clock.Duration {
	return clock.Duration(c.state.Limits.TickIntervalMs) * clock.Millisecond * 5 / 2
}

// checkAlive gives up a ready connection that has been silent for too long. A
// machine that slept tries again at once.
func (c *Client) checkAlive(last moment) {
	left := c.silence() - c.since(c.link.heard)
	if left > 0 {
		now := c.now()
		c.ringIn(min(left, aliveCheck), func() { c.checkAlive(now) })
		return
	}
	err := unavailable("nothing was heard from the gateway for too long")
	if c.slept(last) {
		c.redial(err.Message)
		return
	}
	c.lose(err)
}

// probe asks a ready connection for a sign of life; anything that is heard is
// one.
func (c *Client) probe() {
	l := c.link
	l.probed = true
	l.socket.Send(protocol.AppendRequest(nil, c.nextID(), protocol.MethodHealth, nil))
	c.ringIn(probeTimeout, func() {
		if l.probed {
			c.redial("the gateway gave no sign of life within 2 s")
			return
		}
		c.checkAlive(c.now())
	})
}
