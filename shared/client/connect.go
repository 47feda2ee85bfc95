package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// If the gateway names a tick interval outside of these limits, the client uses the default.
const (
	shortestTick = clock.Second
	longestTick  = 5 * clock.Minute
)

// maxResumeBytes limits the cursors of a connect. It leaves room for the other params, since
// protocol.MaxPendingFrameBytes limits the frame.
const maxResumeBytes = 12 << 10

// beginConnect sends connect on the open socket. Before that it lets the program receive all
// earlier events and return its cursors.
func (c *Client) beginConnect() {
	l := c.link
	l.enter(connecting)
	l.pendingID = ""
	if c.state.Phase != Connecting {
		c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	}
	c.setTimer(helloTimeout, func() { c.lose(unavailable("the gateway did not answer connect within 10 s")) })
	if c.resume == nil {
		c.sendConnect(l)
		return
	}
	c.callbacks.add(0, func() {
		cursors := fitCursors(c.resume())
		l.ifCurrent(func() {
			c.params.Resume = cursors
			c.sendConnect(l)
		})
	})
}

// sendConnect sends the connect request.
func (c *Client) sendConnect(l *link) {
	l.pendingID = c.nextID()
	l.socket.Send(protocol.AppendRequest(nil, l.pendingID, protocol.MethodConnect, Encoded(c.params.AppendJSON(nil))))
}

// fitCursors returns the first cursors, as many as fit into a connect.
func fitCursors(cursors []protocol.Cursor) []protocol.Cursor {
	bytes := 0
	for i := range cursors {
		bytes += len(cursors[i].AppendJSON(nil)) + len(",")
		if i == protocol.MaxResume || bytes > maxResumeBytes {
			return cursors[:i]
		}
	}
	return cursors
}

// connectAnswered handles the answer to connect.
func (c *Client) connectAnswered(f protocol.Frame, err *protocol.Error) {
	if err != nil {
		c.connectRefused(err)
		return
	}
	var r protocol.ConnectResult
	if jsontext.Read(f.Payload, r.DecodeJSON) != nil {
		c.lose(protocol.Refuse(protocol.Internal, "the gateway's answer to connect cannot be read"))
		return
	}
	if r.Status == protocol.StatusPendingPairing {
		c.pair(&r)
		return
	}
	c.becomeReady(&r)
}

// connectRefused handles a refused connect: it tries again if that may succeed.
func (c *Client) connectRefused(err *protocol.Error) {
	if !mayConnectLater(err) {
		c.refuse(err)
		return
	}
	c.retryAfter = max(c.retryAfter, c.spread(retryWait(err.RetryAfterMs), 5))
	l := c.link
	c.drop(closeDone, "")
	c.wait(l, err)
}

// mayConnectLater reports whether connect, or a poll of the pairing, may succeed later without
// a change. In contrast to Retryable, a refused credential may not.
func mayConnectLater(err *protocol.Error) bool {
	switch err.Code {
	case protocol.ResourceExhausted, protocol.Unavailable, protocol.Internal:
		return true
	}
	return err.Retryable
}

// becomeReady makes the connection ready.
func (c *Client) becomeReady(r *protocol.ConnectResult) {
	var limits protocol.Limits
	if r.Limits != nil {
		limits = *r.Limits
	}
	if limits.MaxFrameBytes <= 0 {
		limits.MaxFrameBytes = protocol.MaxFrameBytes
	}
	if tick := limits.TickIntervalMs; tick < shortestTick.Milliseconds() || tick > longestTick.Milliseconds() {
		limits.TickIntervalMs = protocol.TickInterval.Milliseconds()
	}
	c.link.enter(ready)
	c.setState(State{
		Phase: Ready, Role: r.Role, UserID: r.UserID, Server: r.Server, Limits: limits, Resumed: r.Resumed,
	})
	c.checkAlive(c.now())
}
