package gateway

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// call is one request on its way to its answer. params are valid until the method
// returns. reply and fail may be called later, by any goroutine; the first call of them
// answers.
type call struct {
	*client
	ctx      context.Context
	id       string
	params   jsontext.Raw
	settings Settings
	method   string         // the method's name; empty: there is no such method
	session  session.Access // the session that the call is about, if any
	owner    string         // the owner of that session, if an admin calls and is not it
	answered atomic.Bool
}

// caller is the client as sessions see it.
func (c *call) caller() session.Caller { return c.who.Caller() }

func (c *call) isAdmin() bool { return c.who.Role.Allows(protocol.Admin) }

// actor is the client as the audit log names it.
func (c *call) actor() audit.Actor { return c.who.Actor(c.Peer.Address) }

// decode decodes the params. Its error names the wrong param.
func (c *call) decode(p protocol.Payload) error {
	if len(c.params) == 0 {
		return nil
	}
	if err := protocol.Decode(c.params, p); err != nil {
		return badParams("params: " + err.Error())
	}
	return nil
}

// later is the result of a method that answers by itself.
var later protocol.Payload = &answersLater{}

// answersLater is not empty, so that later has an address of its own.
type answersLater struct {
	protocol.Empty
	_ byte
}

// reply answers with the payload; nil is {}.
func (c *call) reply(payload protocol.Payload) {
	frame := protocol.AppendResult(nil, c.id, payload)
	if len(frame) > protocol.MaxFrameBytes {
		c.fail(errors.New("the answer exceeds the frame limit"))
		return
	}
	c.answer(frame, metrics.OK)
}

// fail answers with what the client may know of err.
func (c *call) fail(err error) {
	refusal := c.g.Refusal(err)
	c.answer(protocol.AppendError(nil, c.id, refusal), string(refusal.Code))
}

// answer sends the one answer that the request gets.
func (c *call) answer(frame []byte, code string) {
	if c.answered.Swap(true) {
		return
	}
	c.g.Metrics.FrameSent()
	c.g.Metrics.Request(cmp.Or(c.method, metrics.Unknown), code)
	c.conn.SendBytes(frame)
}
