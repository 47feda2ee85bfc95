package conn

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/coder/websocket"
)

var errQueueFull = errors.New("more waits for it than the queue holds")

// put queues a frame and writes what may leave now. c.mu is held.
func (c *Conn) put(frame []byte) {
	if c.full(frame) {
		c.flush()
	}
	switch {
	case c.dead:
		return
	case c.full(frame):
		c.out.truncate()
		c.close(Closing{Cause: TooSlow, Code: websocket.StatusTryAgainLater, Reason: "too slow", Err: errQueueFull})
		return
	}
	c.push(frame)
	if !c.corked || c.out.bytes >= batchSize {
		c.flush()
	}
}

func (c *Conn) full(frame []byte) bool {
	q, l := c.out, &c.set.limits
	return q != nil && len(q.frames) > 0 &&
		(q.bytes+len(frame) > l.QueueBytes || len(q.frames) >= l.QueueFrames)
}

func (c *Conn) push(frame []byte) {
	if c.out == nil {
		c.out = c.set.queues.Get().(*queue)
	}
	c.out.push(frame)
}

// close lets a close frame follow what is queued. c.mu is held.
func (c *Conn) close(why Closing) {
	if c.sealed {
		return
	}
	c.because(why)
	c.seal(closeFrame(why.Code, why.Reason))
}

// seal sends the last frame of the connection. c.mu is held.
func (c *Conn) seal(frame []byte) {
	c.sealed = true
	c.closeDue.Store(c.set.clock() + int64(c.set.limits.Close))
	c.push(frame)
	c.flush()
}

// fail closes the socket at once. c.mu is held.
func (c *Conn) fail(why Closing) {
	c.because(why)
	c.kill()
}

// because records why the connection ends; the first cause counts. c.mu is held.
func (c *Conn) because(why Closing) {
	if c.why == nil {
		c.why = &why
	}
}

// kill closes the socket at once. c.mu is held.
func (c *Conn) kill() {
	if c.dead {
		return
	}
	c.sealed, c.dead = true, true
	if c.out != nil {
		c.out.drop()
	}
	if !c.draining {
		c.releaseQueue()
	}
	socket := c.wire.Conn
	if t, ok := socket.(interface{ NetConn() net.Conn }); ok {
		socket = t.NetConn() // closing TLS politely may wait for the peer
	}
	_ = socket.Close()
}

func (c *Conn) releaseQueue() {
	if c.out != nil {
		c.set.putQueue(c.out)
		c.out = nil
	}
}

// flush writes what the socket takes without waiting and leaves the rest to a
// drain. c.mu is held.
func (c *Conn) flush() {
	if c.out == nil || c.draining {
		return
	}
	if c.raw == nil {
		c.startDrain()
		return
	}
	buf := c.set.batches.Get().(*[batchSize]byte)
	defer c.set.batches.Put(buf)
	for len(c.out.frames) > 0 {
		chunk := c.out.chunk(buf[:0])
		n, err := c.set.write(c.raw, chunk)
		c.out.advance(n)
		if err != nil {
			c.fail(Closing{Cause: Broken, Err: err})
			return
		}
		if n < len(chunk) {
			c.startDrain()
			return
		}
	}
	if c.emptied() {
		halfClose(c.wire.Conn)
	}
}

// emptied ends the queue, and the connection if that was all on both sides. It
// reports whether our close frame has left and the peer's has not come. c.mu is held.
func (c *Conn) emptied() bool {
	c.releaseQueue()
	if c.sealed && c.peerDone {
		c.kill()
	}
	return c.sealed && !c.dead
}

// halfClose tells the peer that nothing follows; its input is read until it
// ends, since closing a socket with unread input may destroy what was sent
// last (RFC 6455 §7.1.1). On TLS it may wait for the socket.
func halfClose(socket net.Conn) {
	if w, ok := socket.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite() // the peer or the close deadline ends the socket
	}
}

func (c *Conn) startDrain() {
	c.draining = true
	go c.drain()
}

// drain writes the queue at the peer's pace and ends when it is empty.
func (c *Conn) drain() {
	buf := c.set.batches.Get().(*[batchSize]byte)
	defer c.set.batches.Put(buf)
	socket := c.wire.Conn
	for {
		chunk, last := c.nextChunk(buf[:0])
		if last {
			halfClose(socket)
		}
		if chunk == nil {
			return
		}
		_ = socket.SetWriteDeadline(time.Now().Add(c.set.limits.Write)) // fails only on a closed socket
		n, err := socket.Write(chunk)
		c.wrote(n, err)
	}
}

// nextChunk returns what a drain has to write next, or nil when the drain is
// over; last says that the peer has to be told.
func (c *Conn) nextChunk(buf []byte) (chunk []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && len(c.out.frames) > 0 {
		return c.out.chunk(buf), false
	}
	c.draining = false
	_ = c.wire.Conn.SetWriteDeadline(time.Time{}) // writes without waiting heed it too
	return nil, c.emptied()
}

func (c *Conn) wrote(n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.advance(n)
	if err == nil {
		return
	}
	cause := Broken
	if errors.Is(err, os.ErrDeadlineExceeded) {
		cause = TooSlow
	}
	c.fail(Closing{Cause: cause, Err: err})
}
