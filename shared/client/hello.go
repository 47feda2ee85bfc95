package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Tick intervals outside these are not believed.
const (
	shortestTick = clock.Second
	longestTick  = 5 * clock.Minute
)

// maxResumeBytes leaves room for the rest of a connect in
// protocol.MaxPendingFrameBytes.
const maxResumeBytes = 12 << 10

// greet says hello on the open socket, once the program has been told all that
// was heard and has said how far it is.
func (c *Client) greet() {
	l := c.link
	l.enter(greeting)
	l.waits = ""
	if c.state.Phase != Connecting {
		c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	}
	c.ringIn(helloTimeout, func() { c.lose(unavailable("the gateway did not answer connect within 10 s")) })
	if c.resume == nil {
		c.connect(l)
		return
	}
	c.outbound.add(0, func() {
		cursors := fitting(c.resume())
		l.current(func() {
			c.hello.Resume = cursors
			c.connect(l)
		})
	})
}

// connect sends the request of that name.
func (c *Client) connect(l *link) {
	l.waits = c.nextID()
	l.socket.Send(protocol.AppendRequest(nil, l.waits, protocol.MethodConnect, encoded(c.hello.AppendJSON(nil))))
}

// fitting is as many of the first cursors as a connect takes.
func fitting(cursors []protocol.Cursor) []protocol.Cursor {
	bytes := 0
	for i := range cursors {
		bytes += len(cursors[i].AppendJSON(nil)) + len(",")
		if i == protocol.MaxResume || bytes > maxResumeBytes {
			return cursors[:i]
		}
	}
	return cursors
}

// greeted takes the answer to connect.
func (c *Client) greeted(f protocol.Frame, err *protocol.Error) {
	if err != nil {
		c.turnedAway(err)
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
	c.welcome(&r)
}

// turnedAway decides whether a refused connect is worth another try.
func (c *Client) turnedAway(err *protocol.Error) {
	if !passing(err) {
		c.refuse(err)
		return
	}
	c.retryAfter = max(c.retryAfter, c.spread(wish(err.RetryAfterMs), 5))
	l := c.link
	c.drop(closeDone, "")
	c.wait(l, err)
}

// passing reports whether what is refused now may be granted later.
func passing(err *protocol.Error) bool {
	switch err.Code {
	case protocol.ResourceExhausted, protocol.Unavailable, protocol.Internal:
		return true
	}
	return err.Retryable
}

// welcome makes the connection ready.
func (c *Client) welcome(r *protocol.ConnectResult) {
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
