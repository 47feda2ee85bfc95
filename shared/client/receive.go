package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// receive takes one message of the current link.
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
	case f.ID == "" || f.ID != l.waits:
	case l.step == greeting:
		l.waits = ""
		c.greeted(f, err)
	case l.step == pairing:
		l.waits = ""
		c.polled(f, err)
	}
}

// event takes what the gateway says unasked.
func (c *Client) event(f protocol.Frame, bytes int) {
	switch f.Event {
	case protocol.EventShutdown:
		var s protocol.Shutdown
		if jsontext.Read(f.Payload, s.DecodeJSON) == nil {
			// All that were connected have heard it: they do not come back together.
			c.retryAfter = c.spread(wish(s.RetryAfterMs), 1)
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
	if c.outbound.bytes+bytes > maxUndelivered {
		c.lose(unavailable("events came faster than they could be taken"))
		return
	}
	c.outbound.add(bytes, func() { c.onEvent(f) })
}
