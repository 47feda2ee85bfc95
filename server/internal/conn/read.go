package conn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"

	"github.com/coder/websocket"
)

var (
	errTooBig     = errors.New("message over the limit")
	errFragmented = errors.New("message in too many fragments")
)

// maxFraming bounds a message's frame headers and the control frames between its
// fragments, in bytes: some ten thousand fragments.
const maxFraming = 64 << 10

// run is the reader goroutine.
func (c *Conn) run() {
	defer c.set.remove(c)
	c.recordCause(c.readMessages())
	for c.in.err == nil {
		c.in.data = nil
		_ = c.fill() // sets in.err at the end of the input
	}
	why := c.closeSocket()
	_ = c.ws.CloseNow() // the socket is closed already; this releases what the library holds
	switch why.Cause {
	case Broken, Dead, TooBig, Fragmented, Malformed:
		c.set.logLimited(slog.LevelInfo, "websocket read error",
			"address", c.RemoteAddr().String(), "cause", why.Cause.String(), "error", why.Err)
	}
	c.h.Closed(c, why)
}

// readMessages delivers messages until the input ends. It waits for the next message
// itself, since its stack is shallower than the parser's.
func (c *Conn) readMessages() error {
	for {
		if err := c.awaitInput(); err != nil {
			return err
		}
		if err := c.readMessage(); err != nil {
			return err
		}
	}
}

// awaitInput waits for the first byte of the next message.
func (c *Conn) awaitInput() error {
	switch {
	case c.br.Buffered() > 0 || len(c.in.data) > 0:
		return nil
	case c.raw != nil:
		return c.fill()
	default:
		n, err := c.readInto(c.in.one[:])
		c.in.data = c.in.one[:n]
		return err
	}
}

// readMessage reads the next message and delivers it.
func (c *Conn) readMessage() error {
	c.in.bytesLeft = math.MaxInt // any number of control frames may come before a message
	typ, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return err
	}
	c.in.bytesLeft = c.set.limits.frame(c.admitted.Load()) + maxFraming
	b := c.set.slabs.Get().(*slab)
	defer c.set.slabs.Put(b)
	data, err := c.readPayload(r, b[:0], typ == websocket.MessageText)
	if err != nil {
		return err
	}
	if c.admitted.Load() {
		c.extendReadDeadline()
	}
	more := c.br.Buffered() > 0 || len(c.in.data) > 0
	switch open := c.cork(more); {
	case !open:
	case typ == websocket.MessageText:
		c.h.Frame(c, data)
	default:
		c.h.Binary(c)
	}
	return nil
}

// readPayload reads a message to its end: into buf, which grows as bytes arrive, or,
// without keep, into nothing.
func (c *Conn) readPayload(r io.Reader, buf []byte, keep bool) ([]byte, error) {
	admitted := c.admitted.Load()
	limit := c.set.limits.frame(admitted)
	for size := 0; ; {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		free := buf[len(buf):cap(buf)]
		n, err := r.Read(free[:min(len(free), limit+1-size)])
		size += n
		if keep {
			buf = buf[:len(buf)+n]
		}
		if size > limit {
			c.refuseBig(admitted)
			return nil, errTooBig
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c *Conn) refuseBig(admitted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(Closing{
		Cause: TooBig, Code: websocket.StatusMessageTooBig,
		Reason: c.set.limits.tooBig(admitted), Err: errTooBig,
	})
}

// refuseFragments closes a connection whose message has too many fragments. Empty or
// tiny fragments cost time, but hardly count against the limit of a message.
func (c *Conn) refuseFragments() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(Closing{
		Cause: Fragmented, Code: websocket.StatusMessageTooBig,
		Reason: "frame in too many fragments: send it in one piece", Err: errFragmented,
	})
}

// recordCause records why the input ended, and makes sure that the socket is closed.
func (c *Conn) recordCause(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var peer websocket.CloseError
	switch {
	case errors.As(err, &peer):
		c.setCauseLocked(Closing{Cause: PeerClosed, Code: peer.Code, Reason: peer.Reason})
	case c.in.err != nil || c.socketClosed:
		c.failLocked(Closing{Cause: Broken, Err: err})
	case c.sealed: // by us, or by the library, whose close frame says what is wrong
		c.setCauseLocked(Closing{Cause: Malformed, Code: websocket.StatusProtocolError, Err: err})
	default:
		c.closeLocked(Closing{
			Cause: Malformed, Code: websocket.StatusProtocolError, Reason: "malformed frame", Err: err,
		})
	}
}

// closeSocket closes the socket and gives the connection's Closing.
func (c *Conn) closeSocket() Closing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked()
	return *c.closing
}

// extendReadDeadline restarts the read deadline: the peer has given a sign of life.
func (c *Conn) extendReadDeadline() {
	c.readDue.Store(c.set.clock() + int64(c.set.limits.Read))
}
