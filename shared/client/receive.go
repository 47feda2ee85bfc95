package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// receive handles a message of the current link.
func (c *Client) receive(data []byte) {
	var f protocol.Frame
	if jsontext.Read(data, f.DecodeJSON) != nil {
		c.lose(protocol.Refuse(protocol.Internal, "the gateway sent a frame that cannot be read"))
		return
	}
	switch f.Type {
	case protocol.TypeResponse:
		c.response(f)
	case protocol.TypeEvent:
		c.event(f, len(data))
	}
}

func (c *Client) response(f protocol.Frame) {
	err := f.Error
	if !f.OK && err == nil {
		err = protocol.Refuse(protocol.Internal, "the gateway refused without saying why")
	}
	if f.OK {
		err = nil
	}
	l := c.link
	switch k, ok := c.takeCall(f.ID); {
	case ok:
		c.answer(k.done, f.Payload, err)
	case f.ID == "" || f.ID != l.pendingID:
	case l.step == connecting:
		l.pendingID = ""
		c.connectAnswered(f, err)
	case l.step == pairing:
		l.pendingID = ""
		c.polled(f, err)
	}
}

// event handles an event frame.
func (c *Client) event(f protocol.Frame, bytes int) {
	switch f.Event {
	case protocol.EventShutdown:
		var s protocol.Shutdown
		if jsontext.Read(f.Payload, s.DecodeJSON) == nil {
			// All clients get this event: spread their reconnects.
			c.retryAfter = c.spread(retryWait(s.RetryAfterMs), 1)
		}
	case protocol.EventDeviceResolved:
		if c.link.step == pairing {
			c.resolved(f)
			return
		}
	}
	if c.link.step != ready || c.onEvent == nil {
		return
	}
	if c.callbacks.bytes+bytes > maxUndelivered {
		c.lose(unavailable("events came faster than they could be taken"))
		return
	}
	c.callbacks.add(bytes, func() { c.onEvent(f) })
}
