package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// step is the state of a socket.
type step uint8

const (
	dialing    step = iota // the socket is being opened
	connecting             // connect was sent, or will be sent once Resume has returned
	pairing                // the pairing has to be approved
	ready
)

// link is a socket and its state. Once the link is no longer the Client's current link, the
// Client ignores what the socket reports.
type link struct {
	client    *Client
	socket    Socket
	step      step
	began     moment // when this step began
	lastHeard moment // when the last message was received
	pendingID string // id of the pending connect or browser.pairing.status
	probed    bool   // a probe was sent, and nothing was received since
}

func (l *link) enter(s step) {
	l.step, l.began = s, l.client.now()
}

// ifCurrent runs f with mu held if the link is still the current one.
func (l *link) ifCurrent(f func()) {
	l.client.do(func() {
		if l.client.link == l {
			f()
		}
	})
}

// opened sends connect.
func (l *link) opened() {
	l.ifCurrent(func() {
		if l.step == dialing {
			l.client.beginConnect()
		}
	})
}

// message handles a frame.
func (l *link) message(data []byte) {
	l.ifCurrent(func() {
		l.lastHeard, l.probed = l.client.now(), false
		l.client.receive(data)
	})
}

// closed handles the end of the socket.
func (l *link) closed(code int, reason string) {
	l.ifCurrent(func() { l.client.closed(code, reason) })
}

// dial opens a socket. There must be no current link.
func (c *Client) dial() {
	l := &link{client: c}
	l.enter(dialing)
	c.link = l
	c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	c.setTimer(dialTimeout, func() { c.lose(unavailable("the gateway did not answer within 15 s")) })
	l.socket = c.transport.Dial(&linkHandler{l.opened, l.message, l.closed})
}

// linkHandler is a link's SocketHandler. It holds functions instead of the link to keep the
// browser's download small: of a type that is used as an interface, Go's linker keeps all
// methods, also those of the types of its fields. The link has times, so it would bring in
// the calendar of package time.
type linkHandler struct {
	opened  func()
	message func([]byte)
	closed  func(int, string)
}

func (h *linkHandler) Opened()                        { h.opened() }
func (h *linkHandler) Message(data []byte)            { h.message(data) }
func (h *linkHandler) Closed(code int, reason string) { h.closed(code, reason) }

// drop closes the socket, if there is one, and ends the calls on it.
func (c *Client) drop(code int, reason string) {
	if l := c.link; l != nil {
		c.link = nil
		l.socket.Close(code, reason)
	}
	c.failCalls()
}

// lose drops a socket that does not work, and waits before the next try.
func (c *Client) lose(err *protocol.Error) {
	l := c.link
	c.drop(closeSilent, err.Message)
	c.wait(l, err)
}

// redial drops the socket, if there is one, and opens a new one without waiting.
func (c *Client) redial(reason string) {
	c.resetBackoff(c.link)
	c.drop(closeSilent, reason)
	c.dial()
}

// resetBackoff makes the next wait the shortest again if l, which may be nil, was stable.
func (c *Client) resetBackoff(l *link) {
	if l != nil && l.step >= pairing && c.since(l.began) >= stableAfter {
		c.attempt = 0
	}
}

// wait schedules the next try after l, which has ended.
func (c *Client) wait(l *link, err *protocol.Error) {
	c.resetBackoff(l)
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

// checkRetry dials once the wait is over by either of the two clocks (see moment), so that a
// machine that was asleep tries at once.
func (c *Client) checkRetry() {
	left := c.waitFor - c.since(c.waitSince)
	if left <= 0 {
		c.dial()
		return
	}
	c.setTimer(min(left, retryCheck), c.checkRetry)
}

// refuse stops using a credential that the gateway has refused.
func (c *Client) refuse(err *protocol.Error) {
	c.drop(closeDone, "")
	c.timer.stop()
	if err.Code == protocol.NotPaired {
		c.params.SenderID = ""
	}
	c.setState(State{Phase: Refused, Err: err})
}

// closed acts on the close codes of the protocol.
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
		c.refuse(protocol.Refuse(protocol.FailedPrecondition, reason)) // the credential is valid
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

// silence is how long a ready connection may be silent: two and a half tick intervals.
func (c *Client) silence() clock.Duration {
	return clock.Duration(c.state.Limits.TickIntervalMs) * clock.Millisecond * 5 / 2
}

// checkAlive drops a ready connection that has been silent for too long. A machine that was
// asleep since last tries again at once.
func (c *Client) checkAlive(last moment) {
	left := c.silence() - c.since(c.link.lastHeard)
	if left > 0 {
		now := c.now()
		c.setTimer(min(left, aliveCheck), func() { c.checkAlive(now) })
		return
	}
	err := unavailable("nothing was heard from the gateway for too long")
	if c.slept(last) {
		c.redial(err.Message)
		return
	}
	c.lose(err)
}

// probe sends a request on a ready connection. Any message shows that the connection is
// alive.
func (c *Client) probe() {
	l := c.link
	l.probed = true
	l.socket.Send(protocol.AppendRequest(nil, c.nextID(), protocol.MethodHealth, nil))
	c.setTimer(probeTimeout, func() {
		if l.probed {
			c.redial("the gateway gave no sign of life within 2 s")
			return
		}
		c.checkAlive(c.now())
	})
}
