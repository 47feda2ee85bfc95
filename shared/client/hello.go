package client

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Tick intervals outside these are not believed.
const (
	shortestTick = time.Second
	longestTick  = 5 * time.Minute
)

// greet sends connect on the open socket.
func (c *Client) greet() {
	l := c.link
	l.enter(greeting)
	l.waits = c.nextID()
	if c.state.Phase != Connecting {
		c.setState(State{Phase: Connecting, Pairing: c.state.Pairing})
	}
	c.ringIn(helloTimeout, func() { c.lose(unavailable("the gateway did not answer connect within 10 s")) })
	l.socket.Send(protocol.AppendRequest(nil, l.waits, protocol.MethodConnect, encoded(c.hello.AppendJSON(nil))))
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
	c.retryAfter = max(c.retryAfter, wish(err.RetryAfterMs))
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
	c.setState(State{Phase: Ready, Role: r.Role, UserID: r.UserID, Server: r.Server, Limits: limits})
	c.checkAlive(c.now())
}

// encoded is params that were encoded by their own codec: a type behind the
// Payload interface brings both of its codecs into the program.
type encoded []byte

// AppendJSON appends the text.
func (e encoded) AppendJSON(dst []byte) []byte { return append(dst, e...) }

// DecodeJSON passes over a value.
func (e encoded) DecodeJSON(d *jsontext.Decoder) { d.Skip() }
