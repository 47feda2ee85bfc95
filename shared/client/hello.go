package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Tick intervals outside of these limits are replaced by the default.
const (
	shortestTick = clock.Second
	longestTick  = 5 * clock.Minute
)

// maxResumeBytes leaves room for the rest of a connect in
// protocol.MaxPendingFrameBytes.
const maxResumeBytes = 12 << 10

// greet sends connect on the open socket, after the program has received all earlier events
// and has returned its cursors.
func (c *Client) greet() {
	l := c.link
	l.enter(greeting)
	l.pendingID = ""
	if c.state.Phase != Connecting {
		c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	}
	c.setTimer(helloTimeout, func() { c.lose(unavailable("the gateway did not answer connect within 10 s")) })
	if c.resume == nil {
		c.connect(l)
		return
	}
	c.callbacks.add(0, func() {
		cursors := fitCursors(c.resume())
		l.current(func() {
			c.hello.Resume = cursors
			c.connect(l)
		})
	})
}

// connect sends the connect request.
func (c *Client) connect(l *link) {
	l.pendingID = c.nextID()
	l.socket.Send(protocol.AppendRequest(nil, l.pendingID, protocol.MethodConnect, encoded(c.hello.AppendJSON(nil))))
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

// greeted handles the answer to connect.
func (c *Client) greeted(f protocol.Frame, err *protocol.Error) {
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
	if !temporary(err) {
		c.refuse(err)
		return
	}
	c.retryAfter = max(c.retryAfter, c.spread(retryWait(err.RetryAfterMs), 5))
	l := c.link
	c.drop(closeDone, "")
	c.wait(l, err)
}

// temporary reports whether the same request may succeed later.
func temporary(err *protocol.Error) bool {
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

// encoded is params that were encoded by their own codec: a type behind the
// Payload interface brings both of its codecs into the program.
type encoded []byte

// AppendJSON appends the text.
func (e encoded) AppendJSON(dst []byte) []byte { return append(dst, e...) }

// DecodeJSON passes over a value.
func (e encoded) DecodeJSON(d *jsontext.Decoder) { d.Skip() }
