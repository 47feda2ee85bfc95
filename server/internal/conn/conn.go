package conn

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/coder/websocket"
)

// Handler handles the messages of one connection. The connection's reader goroutine
// makes all calls, one at a time.
type Handler interface {
	// Frame is called for each text message, in order of arrival. data may be used until
	// Frame returns, and may be invalid UTF-8. The next message waits until Frame
	// returns. If more input is already buffered, output waits until then, too: so a
	// Frame that has to wait for something should do so in another goroutine.
	Frame(c *Conn, data []byte)
	// Binary is called for a binary message within the limit; its payload was discarded.
	Binary(c *Conn)
	// Closed is called exactly once, when the socket is closed; it is the last call.
	// After Conn.Close, no message is delivered.
	Closed(c *Conn, why Closing)
}

// Conn is one WebSocket. It is safe for concurrent use. Only Flushed waits for the
// peer.
type Conn struct {
	set  *Set
	h    Handler
	ws   *websocket.Conn // parses what it reads from wire
	wire wire            // the socket, and the library's view of it
	raw  syscall.RawConn // for reads and writes that do not wait; nil if impossible

	br *bufio.Reader // the library's, to see what it has buffered
	in input         // of the reader goroutine alone

	admitted atomic.Bool

	// Deadlines by the Set's clock, which the Set enforces; 0: there is none.
	readDue, helloDue, closeDue atomic.Int64
	nextPing                    int64 // of the Set's goroutine alone
	index                       int   // in Set.conns; Set.mu guards it

	// mu guards the following fields.
	mu           sync.Mutex
	out          *queue   // nil: everything is written
	closing      *Closing // nil: the connection goes on
	corked       bool     // output waits: the reader has more input to handle first
	draining     bool     // a goroutine is writing the queue
	sealed       bool     // the last frame is queued, or the socket is closed
	peerClosed   bool     // the peer's close frame has come
	socketClosed bool
}

// Send queues a frame and reports whether the connection still takes frames. Frames
// are written whole and in the order of the calls. If the queue overflows, the
// connection is closed with 1013 "too slow".
func (c *Conn) Send(p Prepared) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return false
	}
	if len(p.frame) > 0 {
		c.enqueueLocked(p.frame)
	}
	return !c.sealed
}

// SendBytes sends a copy of payload, as Send does.
func (c *Conn) SendBytes(payload []byte) bool {
	return c.Send(Prepare(payload))
}

// Close sends what is queued and then a close frame. From now on no message is
// delivered. Only the first Close has an effect. The reason is cut at 123 bytes. The
// socket is closed when the peer has answered, at the latest after Limits.Close.
func (c *Conn) Close(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(Closing{Cause: OursClosed, Code: code, Reason: reason})
}

// Admit says that the peer has authenticated: its messages may have Limits.Frame
// bytes, each message extends the read deadline, and the hello deadline ends.
func (c *Conn) Admit() {
	c.admitted.Store(true)
	c.HelloDone()
}

// AwaitHello restarts the hello deadline, which Accept has started: unless HelloDone
// or Admit is called within Limits.Hello, the connection is closed with 1008.
func (c *Conn) AwaitHello() {
	c.helloDue.Store(c.set.clock() + int64(c.set.limits.Hello))
}

// HelloDone ends the hello deadline.
func (c *Conn) HelloDone() {
	c.helloDue.Store(0)
}

// RemoteAddr gives the socket's peer, which may be a proxy.
func (c *Conn) RemoteAddr() net.Addr {
	return c.wire.Conn.RemoteAddr()
}
