//go:build !js

package client

import (
	"context"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Request is Call for programs that wait: it reads the answer into result,
// which may be nil. A refusal is a *protocol.Error beneath the error's context.
// When ctx ends first, whether the request took effect is not known.
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
