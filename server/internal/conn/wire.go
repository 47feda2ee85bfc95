package conn

import (
	"bytes"
	"net"
)

// input is what was read from the socket and is not parsed yet.
type input struct {
	data []byte
	slab *slab   // the buffer of data; nil if data has another one
	one  [1]byte // the buffer for the first byte of a message, if the socket is not raw
	// bytesLeft is how many bytes more the current message may have, framing included.
	bytesLeft int
	err       error // what has ended the input
}

// wire is the socket as the library sees it. The reader goroutine reads. Each Write
// has one control frame of the library's own.
type wire struct {
	net.Conn
	c *Conn
}

func (w *wire) Read(p []byte) (int, error) {
	c := w.c
	if c.in.bytesLeft <= 0 {
		c.refuseFragments()
		return 0, errFragmented
	}
	if len(c.in.data) == 0 {
		if len(p) >= slabSize {
			n, err := c.readInto(p)
			c.in.bytesLeft -= n
			return n, err
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.in.data)
	c.in.data = c.in.data[n:]
	c.in.bytesLeft -= n
	return n, nil
}

// Write queues a pong or a close frame. After a close frame of ours, frames are
// dropped (RFC 6455 §5.5.1).
func (w *wire) Write(p []byte) (int, error) {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.socketClosed:
		return 0, net.ErrClosed
	case c.sealed:
	case p[0]&opcodeMask == opClose:
		c.sealLocked(bytes.Clone(p))
	default:
		c.enqueueLocked(bytes.Clone(p))
	}
	return len(p), nil
}

// Close is called by the library when it has answered the peer's close frame, or has
// given up. Frames queued before the answer are still written.
func (w *wire) Close() error {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerClosed = true
	if c.out == nil || !c.sealed {
		c.killLocked()
	}
	return nil
}

// fill waits for input. While it waits it holds no buffer, if the socket is raw.
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

// readable reads what the socket has. It reports false if there is nothing yet.
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

// startRead releases what the reader holds before it may have to wait: the used
// buffer, and the output that was held back.
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

// cork sets whether output is held back. It reports whether messages are still
// delivered.
func (c *Conn) cork(on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = on
	return !c.sealed
}

// uncork sends the output that was held back.
func (c *Conn) uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	c.flushLocked()
}
