//go:build !js

package client

import (
	"context"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Request sends a request and waits for the answer, which it decodes into result. result may
// be nil. A refusal wraps a *protocol.Error. If ctx ends first, the request may have taken
// effect. Request must not be called from a callback: it would wait for itself.
func (c *Client) Request(ctx context.Context, method string, params, result protocol.Payload) error {
	type answer struct {
		payload jsontext.Raw
		err     *protocol.Error
	}
	answers := make(chan answer, 1)
	var id string
	c.do(func() {
		id = c.call(method, params, func(payload jsontext.Raw, err *protocol.Error) {
			answers <- answer{payload, err}
		})
	})
	select {
	case a := <-answers:
		if a.err != nil {
			return fmt.Errorf("%s: %w", method, a.err)
		}
		if result == nil {
			return nil
		}
		if err := protocol.Decode(a.payload, result); err != nil {
			return fmt.Errorf("%s: unreadable answer: %w", method, err)
		}
		return nil
	case <-ctx.Done():
		c.do(func() { c.takeCall(id) })
		return fmt.Errorf("%s: waiting for the answer: %w", method, context.Cause(ctx))
	}
}
