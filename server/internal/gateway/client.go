package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
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
	place *seat
	id    int64
	since time.Time

	// The reader's.
	waiting     *waiting // a pairing that it asked for
	wrongTokens int

	active atomic.Int64 // when it asked for something last, in milliseconds since 1970

	// member is set once the client is authenticated.
	member atomic.Pointer[hub.Member]
}

// waiting is a pairing that waits for an admin.
type waiting struct {
	deviceID string
	secret   string
}

// call is one request on its way to its answer. Params are valid until the
// method returns; reply and fail may be called later, by any goroutine, and the
// first of them answers.
type call struct {
	*client
	ctx       context.Context
	id        string
	params    jsontext.Raw
	live      *Live // what holds for it
	method    Method
	named     string      // the method asked for, if there is such a one
	ended     func(error) // to be told how the method ended; nil: it has not begun
	drawn     auth.Drawn  // the key that api_keys.create makes
	requester string      // the device that a pairing code is of
	answered  atomic.Bool
}

// reply answers with the payload; nil is {}.
func (c *call) reply(payload protocol.Payload) {
	frame := protocol.AppendResult(nil, c.id, payload)
	if len(frame) > protocol.MaxFrameBytes {
		c.fail(errors.New("an answer over the frame limit"))
		return
	}
	c.answer(frame, metrics.OK)
}

// fail answers with what err says to the client.
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
	c.g.Metrics.Request(cmp.Or(c.named, metrics.Unknown), code)
	c.conn.SendBytes(frame)
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
	request := &call{client: c, id: r.ID, params: r.Params, live: c.g.Live()}
	c.seen()
	c.g.Metrics.FrameReceived()
	if !validID(r.ID) {
		request.id = ""
	}
	if err := request.withinRate(); err != nil {
		request.fail(err)
		return
	}
	if wrong, refusal := malformed(data, &r, err); refusal != nil {
		request.refuseMalformed(wrong, refusal)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request.ctx = ctx
	request.dispatch(r.Method)
}

// Binary refuses a binary message.
func (c *client) Binary(*conn.Conn) {
	request := &call{client: c, live: c.g.Live()}
	c.g.Metrics.FrameReceived()
	if err := request.withinRate(); err != nil {
		request.fail(err)
		return
	}
	request.refuseMalformed(metrics.BinaryFrame, protocol.Refuse(protocol.InvalidRequest, "invalid frame: binary message: send JSON as text"))
}

// refuseMalformed answers what is no request. From a stranger it counts like
// any call.
func (c *call) refuseMalformed(wrong metrics.Violation, refusal *protocol.Error) {
	c.violates(wrong)
	if c.member.Load() == nil {
		if err := c.g.AllowCall(c.peer.Address); err != nil {
			c.fail(err)
			return
		}
	}
	c.fail(refusal)
}

// malformed says what is wrong with a frame.
func malformed(data []byte, r *protocol.Request, err error) (metrics.Violation, *protocol.Error) {
	var bad *jsontext.Error
	switch {
	case errors.As(err, &bad):
		return violationOf(bad), protocol.Refuse(protocol.InvalidRequest, "invalid frame: "+bad.Error())
	case err != nil:
		return metrics.NotJSON, protocol.Refuse(protocol.InvalidRequest, "invalid frame")
	case bytes.TrimSpace(data)[0] != '{': // null, which a codec reads as nothing
		return metrics.WrongType, protocol.Refuse(protocol.InvalidRequest, "invalid frame: must be an object")
	case r.Type != protocol.TypeRequest:
		return metrics.FrameType, protocol.Refuse(protocol.InvalidRequest, "unexpected frame type: "+shown(r.Type))
	case !validID(r.ID):
		return metrics.BadID, protocol.Refuse(protocol.InvalidRequest, "invalid frame: id must be 1 to 128 characters")
	}
	return "", nil
}

// validID reports whether an answer can carry the id. A request without one is
// answered all the same.
func validID(id string) bool { return utf8.RuneCountInString(id) <= protocol.MaxIDLength }

// Send takes a frame for the client.
func (c *client) Send(p conn.Prepared) bool {
	c.g.Metrics.FrameSent()
	return c.conn.Send(p)
}

// Flushed waits until what was sent to the client so far has left.
func (c *client) Flushed(ctx context.Context) error { return c.conn.Flushed(ctx) }

// GiveUp makes the client come back and resume: what it has missed cannot be
// read now.
func (c *client) GiveUp(err error) {
	c.g.Log.Error("replay given up", "address", c.peer.Address, "error", err)
	c.conn.Close(protocol.CloseTooSlow, "store unavailable: reconnect and resume")
}

// Closed forgets the client. Its runs go on.
func (c *client) Closed(_ *conn.Conn, why conn.Closing) {
	c.stopWaiting()
	if m := c.member.Load(); m != nil {
		c.g.Hub.Leave(m)
	}
	c.g.forget(c)
	c.countEnd(why.Cause)
	if why.Cause == conn.TooSlow {
		c.g.Log.Warn("client too slow", "address", c.peer.Address, "cause", why.Err)
	}
}
