package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// client is one connection. Its frames are handled one at a time, by the
// connection's reader.
type client struct {
	g     *Gateway
	conn  *conn.Conn
	peer  Peer
	id    int64
	since time.Time

	// The reader's.
	waiting     *waiting // a pairing that it asked for
	wrongTokens int

	// member is set once the client is authenticated.
	member atomic.Pointer[hub.Member]
}

// waiting is a pairing that waits for an admin.
type waiting struct {
	deviceID string
	secret   string
}

// call is one request on its way to its answer. Params are valid until the
// method returns; reply and fail may be called later, one of them, once.
type call struct {
	*client
	ctx    context.Context
	id     string
	params jsontext.Raw
}

// reply answers with the payload; nil is {}.
func (c *call) reply(payload protocol.Payload) {
	frame := protocol.AppendResult(nil, c.id, payload)
	if len(frame) > protocol.MaxFrameBytes {
		c.fail(errors.New("an answer over the frame limit"))
		return
	}
	c.conn.SendBytes(frame)
}

// fail answers with what err says to the client.
func (c *call) fail(err error) {
	c.conn.SendBytes(protocol.AppendError(nil, c.id, c.g.Refusal(err)))
}

// caller is who the client is to the domain.
func (c *call) caller() session.Caller {
	m := c.member.Load()
	return session.Caller{UserID: m.UserID, Role: m.Role}
}

// callTimeout bounds what one request may wait for the store.
const callTimeout = 20 * time.Second

// Frame handles one request.
func (c *client) Frame(_ *conn.Conn, data []byte) {
	var r protocol.Request
	err := protocol.Decode(data, &r)
	answer := &call{client: c, id: r.ID, params: r.Params}
	if refusal := malformed(&r, err); refusal != nil {
		if len(r.ID) > protocol.MaxIDLength {
			answer.id = ""
		}
		if c.member.Load() == nil {
			if err := c.g.AllowCall(c.peer.Address); err != nil {
				answer.fail(err)
				return
			}
		}
		answer.fail(refusal)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	answer.ctx = ctx
	answer.dispatch(r.Method)
}

// malformed says what is wrong with a frame.
func malformed(r *protocol.Request, err error) *protocol.Error {
	var bad *jsontext.Error
	switch {
	case errors.As(err, &bad):
		return protocol.Refuse(protocol.InvalidRequest, "invalid frame: "+bad.Error())
	case err != nil:
		return protocol.Refuse(protocol.InvalidRequest, "invalid frame")
	case r.Type != protocol.TypeRequest:
		return protocol.Refuse(protocol.InvalidRequest, "unexpected frame type: "+shown(r.Type))
	case len(r.ID) > protocol.MaxIDLength:
		return protocol.Refuse(protocol.InvalidRequest, "invalid frame: id must be 1 to 128 characters")
	}
	return nil
}

// shown is a client's word as an error repeats it.
func shown(word string) string {
	const most = 64
	if len(word) > most {
		return word[:most] + "…"
	}
	return word
}

// Binary refuses a binary message.
func (c *client) Binary(*conn.Conn) {
	answer := &call{client: c}
	answer.fail(protocol.Refuse(protocol.InvalidRequest, "invalid frame: binary message: send JSON as text"))
}

// Closed forgets the client. Its runs go on.
func (c *client) Closed(_ *conn.Conn, why conn.Closing) {
	c.stopWaiting()
	if m := c.member.Load(); m != nil {
		c.g.Hub.Leave(m)
	}
	c.g.forget(c)
	if why.Cause == conn.TooSlow {
		c.g.Log.Warn("client too slow", "address", c.peer.Address, "cause", why.Err)
	}
}
