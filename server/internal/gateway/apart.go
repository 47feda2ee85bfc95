package gateway

import (
	"context"
	"runtime/debug"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxApart is how many calls of one connection run beside its reader. One more waits in
// the reader, and with it all that the client sends.
const maxApart = 4

// runApart executes a call beside the connection's reader, and answers it. So the other
// calls of the client do not wait for a costly one, and a costly one ends when the client
// has gone.
func (c *call) runApart(execute func() (protocol.Payload, error)) {
	c.apart <- struct{}{}
	ctx, cancel := context.WithTimeout(c.life, callTimeout)
	c.ctx, c.params = ctx, nil
	c.g.apart.Go(func() {
		defer func() { <-c.apart }()
		defer cancel()
		c.answerWith(func() (protocol.Payload, error) {
			payload, err := execute()
			if c.life.Err() != nil {
				return later, nil // nobody waits for the answer
			}
			return payload, err
		})
	})
}

// answerWith answers with what execute gives, or with an error if execute panics.
func (c *call) answerWith(execute func() (protocol.Payload, error)) {
	defer func() {
		if v := recover(); v != nil {
			c.g.Log.Error("panic in a method", "method", c.method, "panic", v,
				"stack", string(debug.Stack()))
			c.fail(errPanic)
		}
	}()
	switch payload, err := execute(); {
	case err != nil:
		c.fail(err)
	case payload != later:
		c.reply(payload)
	}
}

// takesHTML reports whether the client takes formatted text.
func (c *call) takesHTML() bool { return c.member.Load().HTML }
