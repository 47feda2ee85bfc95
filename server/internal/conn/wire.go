package conn

import (
	"bytes"
	"net"
)

// input is what was read from the socket and not yet parsed.
type input struct {
	data []byte // unread
	slab *slab  // holds data; nil when something else does
	one  [1]byte
	room int   // bytes that the message at hand may still have, with all that frames it
	err  error // ends the input, kept
}

// wire is the socket as the library sees it. Reads come from the reader
// goroutine. Writes carry the library's own control frames, one a call.
type wire struct {
	net.Conn
	c *Conn
}

func (w *wire) Read(p []byte) (int, error) {
	c := w.c
	if c.in.room <= 0 {
		c.refuseFragments()
		return 0, errFragmented
	}
	if len(c.in.data) == 0 {
		if len(p) >= slabSize {
			n, err := c.readInto(p)
			c.in.room -= n
			return n, err
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.in.data)
	c.in.data = c.in.data[n:]
	c.in.room -= n
	return n, nil
}

// Write queues a pong or a close frame behind what is queued. After a close
// frame, whoever sent it, frames vanish (RFC 6455 §5.5.1).
func (w *wire) Write(p []byte) (int, error) {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead:
		return 0, net.ErrClosed
	case c.sealed:
	case p[0]&opcodeMask == opClose:
		c.seal(bytes.Clone(p))
	default:
		c.put(bytes.Clone(p))
	}
	return len(p), nil
}

// Close is called by the library when the peer's close frame was answered, or
// when it gives up. What is queued before the answer still leaves.
func (w *wire) Close() error {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerDone = true
	if c.out == nil || !c.sealed {
		c.kill()
	}
	return nil
}

// fill waits for input and holds no buffer meanwhile where the socket allows that.
func (c *Conn) fill() error {
	if c.raw == nil {
		b := c.set.slabs.Get().(*slab)
		n, err := c.readInto(b[:])
		c.in.slab, c.in.data = b, b[:n]
		return err
	}
	if err := c.startRead(); err != nil {
		return err
	}
	if err := c.raw.Read(c.readable); err != nil {
		c.in.err = err
	}
	c.cork(true)
	if len(c.in.data) == 0 {
		return c.in.err
	}
	return nil
}

// readable takes what the socket has; false means that there is nothing yet.
func (c *Conn) readable(fd uintptr) bool {
	b := c.set.slabs.Get().(*slab)
	n, again, err := readNow(fd, b[:])
	if n == 0 {
		c.set.slabs.Put(b)
	} else {
		c.in.slab, c.in.data = b, b[:n]
	}
	c.in.err = err
	return !again
}

// readInto waits for input and reads it into p.
func (c *Conn) readInto(p []byte) (int, error) {
	if err := c.startRead(); err != nil {
		return 0, err
	}
	n, err := c.wire.Conn.Read(p)
	c.in.err = err
	c.cork(true)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// startRead lets go of what the reader holds before it may have to wait: the
// spent buffer, and the output of the batch.
func (c *Conn) startRead() error {
	if c.in.slab != nil {
		c.set.slabs.Put(c.in.slab)
	}
	c.in.slab, c.in.data = nil, nil
	if c.in.err != nil {
		return c.in.err
	}
	c.uncork()
	return nil
}

// cork sets whether output is held back, and reports whether messages are
// still delivered.
func (c *Conn) cork(on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = on
	return !c.sealed
}

// uncork sends what was held back.
func (c *Conn) uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	c.flush()
}
