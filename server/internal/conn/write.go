package conn

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/coder/websocket"
)

var errQueueFull = errors.New("the queue of unsent frames is full")

// enqueueLocked queues a frame and writes what the socket takes. A full queue closes
// the connection.
func (c *Conn) enqueueLocked(frame []byte) {
	if c.isFullLocked(frame) {
		c.flushLocked()
	}
	switch {
	case c.socketClosed:
		return
	case c.isFullLocked(frame):
		c.out.truncate()
		c.closeLocked(Closing{
			Cause: TooSlow, Code: websocket.StatusTryAgainLater, Reason: "too slow", Err: errQueueFull,
		})
		return
	}
	c.pushLocked(frame)
	if !c.corked || c.out.bytes >= batchSize {
		c.flushLocked()
	}
}

func (c *Conn) isFullLocked(frame []byte) bool {
	q, l := c.out, &c.set.limits
	return q != nil && len(q.frames) > 0 &&
		(q.bytes+len(frame) > l.QueueBytes || len(q.frames) >= l.QueueFrames)
}

func (c *Conn) pushLocked(frame []byte) {
	if c.out == nil {
		c.out = c.set.queues.Get().(*queue)
	}
	c.out.push(frame)
}

// closeLocked queues a close frame as the last frame.
func (c *Conn) closeLocked(why Closing) {
	if c.sealed {
		return
	}
	c.setCauseLocked(why)
	c.sealLocked(closeFrame(why.Code, why.Reason))
}

// sealLocked queues the last frame of the connection and starts the close deadline.
func (c *Conn) sealLocked(frame []byte) {
	c.sealed = true
	c.closeDue.Store(c.set.clock() + int64(c.set.limits.Close))
	c.pushLocked(frame)
	c.flushLocked()
}

// failLocked records the cause and closes the socket at once.
func (c *Conn) failLocked(why Closing) {
	c.setCauseLocked(why)
	c.killLocked()
}

// setCauseLocked records why the connection ends. Only the first call has an effect.
func (c *Conn) setCauseLocked(why Closing) {
	if c.closing == nil {
		c.closing = &why
	}
}

// killLocked closes the socket at once.
func (c *Conn) killLocked() {
	if c.socketClosed {
		return
	}
	c.sealed, c.socketClosed = true, true
	if c.out != nil {
		c.out.failFlushes()
	}
	if !c.draining {
		c.releaseQueueLocked()
	}
	socket := c.wire.Conn
	if t, ok := socket.(interface{ NetConn() net.Conn }); ok {
		socket = t.NetConn() // a TLS close may wait for the peer
	}
	_ = socket.Close()
}

func (c *Conn) releaseQueueLocked() {
	if c.out != nil {
		c.set.putQueue(c.out)
		c.out = nil
	}
}

// flushLocked writes what the socket takes without waiting. If that is not all, it
// starts a drain.
func (c *Conn) flushLocked() {
	if c.out == nil || c.draining {
		return
	}
	if c.raw == nil {
		c.startDrainLocked()
		return
	}
	buf := c.set.batches.Get().(*[batchSize]byte)
	defer c.set.batches.Put(buf)
	for len(c.out.frames) > 0 {
		chunk := c.out.chunk(buf[:0])
		n, err := c.set.write(c.raw, chunk)
		c.out.advance(n)
		if err != nil {
			c.failLocked(Closing{Cause: Broken, Err: err})
			return
		}
		if n < len(chunk) {
			c.startDrainLocked()
			return
		}
	}
	if c.finishQueueLocked() {
		halfClose(c.wire.Conn)
	}
}

// finishQueueLocked releases the empty queue. If both close frames are through, it
// closes the socket. It reports whether only the peer's close frame is missing.
func (c *Conn) finishQueueLocked() bool {
	c.releaseQueueLocked()
	if c.sealed && c.peerClosed {
		c.killLocked()
	}
	return c.sealed && !c.socketClosed
}

// halfClose closes the socket for writing. The reader goes on until the input ends,
// since closing a socket with unread input may destroy the last frames on their way
// (RFC 6455 §7.1.1). On TLS, halfClose may wait for the socket.
func halfClose(socket net.Conn) {
	if w, ok := socket.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite() // the peer or the close deadline closes the socket
	}
}

func (c *Conn) startDrainLocked() {
	c.draining = true
	go c.drain()
}

// drain writes the queue at the peer's pace, until the queue is empty.
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

// nextChunk gives the next bytes for a drain, or nil if the drain is over. last says
// that the drain has to half-close the socket.
func (c *Conn) nextChunk(buf []byte) (chunk []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.socketClosed && len(c.out.frames) > 0 {
		return c.out.chunk(buf), false
	}
	c.draining = false
	_ = c.wire.Conn.SetWriteDeadline(time.Time{}) // raw writes obey it too
	return nil, c.finishQueueLocked()
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
	c.failLocked(Closing{Cause: cause, Err: err})
}
