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

// framing is what a message's frame headers, and the control frames between
// them, may have in all, in bytes: some ten thousand fragments.
const framing = 64 << 10

// run is the reader, the one goroutine that a connection keeps.
func (c *Conn) run() {
	defer c.set.remove(c)
	c.conclude(c.receive())
	for c.in.err == nil {
		c.in.data = nil
		_ = c.fill() // sets in.err at the end of the input
	}
	why := c.end()
	_ = c.ws.CloseNow() // the socket is closed: releases what the library holds
	switch why.Cause {
	case Broken, Dead, TooBig, Fragmented, Malformed:
		c.set.line(slog.LevelInfo, "websocket read error", "address", c.RemoteAddr().String(), "cause", why.Cause.String(), "error", why.Err)
	}
	c.h.Closed(c, why)
}

// receive delivers messages until there are none. Waiting for the next one
// happens here, on a shallow stack, not in the parser.
func (c *Conn) receive() error {
	for {
		if err := c.await(); err != nil {
			return err
		}
		if err := c.message(); err != nil {
			return err
		}
	}
}

// await waits for the first byte of the next message.
func (c *Conn) await() error {
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

// message parses up to the end of the next message and delivers it.
func (c *Conn) message() error {
	c.in.room = math.MaxInt // control frames alone may come for ever
	typ, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return err
	}
	c.in.room = c.set.limits.frame(c.admitted.Load()) + framing
	b := c.set.slabs.Get().(*slab)
	defer c.set.slabs.Put(b)
	data, err := c.payload(r, b[:0], typ == websocket.MessageText)
	if err != nil {
		return err
	}
	if c.admitted.Load() {
		c.alive()
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

// payload reads a message to its end into buf, which grows with what arrives,
// or discards it.
func (c *Conn) payload(r io.Reader, buf []byte, keep bool) ([]byte, error) {
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
	c.close(Closing{Cause: TooBig, Code: websocket.StatusMessageTooBig, Reason: c.set.limits.tooBig(admitted), Err: errTooBig})
}

// refuseFragments closes a connection whose message does not end: pieces of no
// or few bytes cost more than they bring, and the limit of a message does not
// count them.
func (c *Conn) refuseFragments() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(Closing{Cause: Fragmented, Code: websocket.StatusMessageTooBig, Reason: "frame in too many fragments: send it in one piece", Err: errFragmented})
}

// conclude settles why the input ended and sees to it that the socket will.
func (c *Conn) conclude(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var peer websocket.CloseError
	switch {
	case errors.As(err, &peer):
		c.because(Closing{Cause: PeerClosed, Code: peer.Code, Reason: peer.Reason})
	case c.in.err != nil || c.dead:
		c.fail(Closing{Cause: Broken, Err: err})
	case c.sealed: // by us, or by the library, which has told the peer what is wrong
		c.because(Closing{Cause: Malformed, Code: websocket.StatusProtocolError, Err: err})
	default:
		c.close(Closing{Cause: Malformed, Code: websocket.StatusProtocolError, Reason: "malformed frame", Err: err})
	}
}

// end closes the socket and returns why.
func (c *Conn) end() Closing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill()
	return *c.why
}

// alive moves the read deadline.
func (c *Conn) alive() {
	c.readDue.Store(c.set.clock() + int64(c.set.limits.Read))
}
