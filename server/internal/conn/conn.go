package conn

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/coder/websocket"
)

// Handler is told what happens on one connection, one call at a time, by the
// connection's reader goroutine.
type Handler interface {
	// Frame is called for each text message, in order of arrival. data is valid
	// until Frame returns and need not be UTF-8. The next message waits for
	// Frame to return, and while more input is already buffered so does
	// everything that is sent: a Frame that would wait for something should
	// leave that to another goroutine.
	Frame(c *Conn, data []byte)
	// Binary is called for a binary message within the limit; its payload was discarded.
	Binary(c *Conn)
	// Closed is called exactly once, when the socket is closed, and nothing is
	// called after it. No message is delivered once Close was called.
	Closed(c *Conn, why Closing)
}

// Conn is one WebSocket. Its methods may be called by any goroutine, and none
// of them but Flushed waits for the peer.
type Conn struct {
	set  *Set
	h    Handler
	ws   *websocket.Conn // parses what it reads from wire
	wire wire            // the socket, and the library's view of it
	raw  syscall.RawConn // the socket without waiting; nil where that is impossible

	br *bufio.Reader // the library's, kept for asking what it has buffered
	in input         // the reader's

	admitted atomic.Bool

	// Deadlines by the set's clock, 0 for none; the set acts on them.
	readDue, helloDue, closeDue atomic.Int64
	nextPing                    int64 // the set's
	index                       int   // the set's

	mu       sync.Mutex
	out      *queue   // nil when everything has left
	why      *Closing // nil while the cause is not known
	corked   bool     // the reader has input to work on: hold output back
	draining bool     // a goroutine is writing the queue
	sealed   bool     // the last frame is queued, or the socket is closed
	peerDone bool     // the peer's close frame has come
	dead     bool     // the socket is closed
}

// Send queues a frame for the peer and reports whether the connection still
// takes frames. Frames leave whole and in the order of the calls. A queue that
// overflows closes the connection with 1013 "too slow".
func (c *Conn) Send(p Prepared) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return false
	}
	if len(p.frame) > 0 {
		c.put(p.frame)
	}
	return !c.sealed
}

// SendBytes sends payload, which it copies, as Send does.
func (c *Conn) SendBytes(payload []byte) bool {
	return c.Send(Prepare(payload))
}

// Close sends what is queued, then a close frame, and stops the delivery of
// messages at once; only the first Close has an effect. The reason is cut at
// 123 bytes. The socket is closed when the peer has answered, and at most
// Limits.Close later.
func (c *Conn) Close(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(Closing{Cause: OursClosed, Code: code, Reason: reason})
}

// Admit says that the peer has authenticated: messages may have Limits.Frame
// bytes, each one moves the read deadline, and the hello deadline is off.
func (c *Conn) Admit() {
	c.admitted.Store(true)
	c.HelloDone()
}

// AwaitHello starts the hello deadline anew: without HelloDone or Admit the
// connection closes with 1008 after Limits.Hello. Accept has started the first.
func (c *Conn) AwaitHello() {
	c.helloDue.Store(c.set.clock() + int64(c.set.limits.Hello))
}

// HelloDone takes the hello deadline off.
func (c *Conn) HelloDone() {
	c.helloDue.Store(0)
}

// RemoteAddr returns the socket's peer, which may be a proxy.
func (c *Conn) RemoteAddr() net.Addr {
	return c.wire.Conn.RemoteAddr()
}
