package gateway

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// client is the gateway's side of one connection. Its frames are handled one at a time,
// by the connection's reader.
type client struct {
	*registry.Connection
	g    *Gateway
	conn *conn.Conn

	life  context.Context // ends when the connection is closed
	end   context.CancelFunc
	apart chan struct{} // has an element for each call that runs beside the reader

	// Only the reader uses the following fields.
	who           *access.Identity // nil: not authenticated
	pairingSecret string           // the credential that waits for pairing; empty: none
	own           bool             // the client changes nothing of other users
	onlyV3        bool             // see knowsOnlyV3
	wrongTokens   int              // how many wrong tokens the client has sent
	expiry        *time.Timer      // closes the connection when its API key expires; nil: never

	// member is set once the client is authenticated.
	member atomic.Pointer[hub.Member]
}

func newClient(g *Gateway, registered *registry.Connection, c *conn.Conn) *client {
	life, end := context.WithCancel(context.Background())
	return &client{Connection: registered, g: g, conn: c, life: life, end: end,
		apart: make(chan struct{}, maxApart)}
}

// callTimeout bounds how long a request waits for the store.
const callTimeout = 20 * time.Second

// Frame handles one request.
func (c *client) Frame(_ *conn.Conn, data []byte) {
	var r protocol.Request
	err := protocol.Decode(data, &r)
	request := &call{client: c, id: r.ID, params: r.Params, settings: c.g.Settings()}
	c.Seen()
	c.g.Metrics.FrameReceived()
	if !validID(r.ID) {
		request.id = ""
	}
	wrong, refusal := malformed(data, &r, err)
	if refusal == nil { // also a request that the rate limit refuses counts under its method
		m, _ := methodNamed(r.Method)
		request.method = m.Name
	}
	if err := request.checkRate(); err != nil {
		request.fail(err)
		return
	}
	if refusal != nil {
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
	request := &call{client: c, settings: c.g.Settings()}
	c.g.Metrics.FrameReceived()
	if err := request.checkRate(); err != nil {
		request.fail(err)
		return
	}
	request.refuseMalformed(metrics.BinaryFrame, protocol.Refuse(protocol.InvalidRequest,
		"invalid frame: binary message: send JSON as text"))
}

// checkRate counts a frame against its user's rate limit. Pings and HTTP requests do not
// count, nor do frames of strangers. Uploads have a limit of their own.
func (c *call) checkRate() error {
	if c.who == nil {
		return nil
	}
	return c.g.Access.AllowRequest(c.Peer.Address, c.who.UserID, c.settings.RateLimitRPM)
}

// refuseMalformed answers a frame that is not a request. A stranger's frame counts as a
// call.
func (c *call) refuseMalformed(wrong metrics.Violation, refusal *protocol.Error) {
	c.g.Access.Violation(c.Peer.Address, wrong)
	if c.who == nil {
		if err := c.g.Access.AllowCall(c.Peer.Address); err != nil {
			c.fail(err)
			return
		}
	}
	c.fail(refusal)
}

// malformed says what is wrong with a frame; nil: nothing.
func malformed(data []byte, r *protocol.Request, err error) (metrics.Violation, *protocol.Error) {
	var bad *jsontext.Error
	switch {
	case errors.As(err, &bad):
		return violationOf(bad), protocol.Refuse(protocol.InvalidRequest, "invalid frame: "+bad.Error())
	case err != nil:
		return metrics.NotJSON, protocol.Refuse(protocol.InvalidRequest, "invalid frame")
	case bytes.TrimSpace(data)[0] != '{': // null, which decodes without an error
		return metrics.WrongType, protocol.Refuse(protocol.InvalidRequest,
			"invalid frame: must be an object")
	case r.Type != protocol.TypeRequest:
		return metrics.FrameType, protocol.Refuse(protocol.InvalidRequest,
			"unexpected frame type: "+shown(r.Type))
	case !validID(r.ID):
		return metrics.BadID, protocol.Refuse(protocol.InvalidRequest,
			"invalid frame: id must be 1 to 128 characters")
	}
	return "", nil
}

// violationOf is the metric for an error of the decoder.
func violationOf(bad *jsontext.Error) metrics.Violation {
	switch {
	case bad.Deep:
		return metrics.TooDeep
	case bad.Syntax:
		return metrics.NotJSON
	}
	return metrics.WrongType
}

// validID reports whether an answer can carry the id, which may be empty.
func validID(id string) bool { return utf8.RuneCountInString(id) <= protocol.MaxIDLength }

// Send queues a frame for the client.
func (c *client) Send(p conn.Prepared) bool {
	c.g.Metrics.FrameSent()
	return c.conn.Send(p)
}

// Flushed waits until all frames sent so far are written.
func (c *client) Flushed(ctx context.Context) error { return c.conn.Flushed(ctx) }

// GiveUp closes the connection because a replay cannot read the log. The client connects
// again and resumes.
func (c *client) GiveUp(err error) {
	c.g.Log.Error("replay given up", "address", c.Peer.Address, "error", err)
	c.conn.Close(protocol.CloseTooSlow, "store unavailable: reconnect and resume")
}

// Closed removes the client. The runs that it started go on.
func (c *client) Closed(_ *conn.Conn, why conn.Closing) {
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.end()
	if m := c.member.Load(); m != nil {
		c.g.Hub.Leave(m)
	}
	waitedFor := c.g.Registry.Remove(c.Connection)
	c.g.presence.gone(waitedFor)
	c.countClosed(why.Cause)
	if why.Cause == conn.TooSlow {
		c.g.Log.Warn("client too slow", "address", c.Peer.Address, "cause", why.Err)
	}
}

// countClosed counts the end of a connection.
func (c *client) countClosed(cause conn.Cause) {
	c.g.Metrics.ConnectionClosed(cause)
	switch cause {
	case conn.TooBig:
		c.g.Metrics.Violation(metrics.TooBig)
	case conn.Fragmented:
		c.g.Metrics.Violation(metrics.Fragmented)
	case conn.Malformed:
		c.g.Metrics.Violation(metrics.Malformed)
	}
}
