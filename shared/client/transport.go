package client

// Transport opens WebSocket connections to one gateway. What identifies the
// browser or program at the upgrade (a cookie, an Authorization header, an
// origin) is the Transport's matter.
type Transport interface {
	// Dial begins to open a socket and returns at once. It never fails: what
	// cannot be opened is reported by Closed. h is not called before Dial has
	// returned, save from another goroutine.
	Dial(h SocketHandler) Socket
}

// SocketHandler is told what happens to one socket. Calls for one socket come
// one after the other: Opened at most once, then any number of Message, then
// Closed exactly once, also after Socket.Close and also when the socket never
// opened.
type SocketHandler interface {
	// Opened reports that the upgrade succeeded.
	Opened()
	// Message hands over a text message. The data belongs to the handler.
	Message(data []byte)
	// Closed reports the end with the peer's close code and reason (RFC 6455
	// §7.4); 1006 when there was no close frame, with a reason for people where
	// the Transport knows one.
	Closed(code int, reason string)
}

// Socket is one connection. Its methods return at once and do not call the
// SocketHandler from within; both do nothing on a socket that has ended.
type Socket interface {
	// Send queues a text message. The data belongs to the socket.
	Send(data []byte)
	// Close ends the connection, after what was sent before. Code is 1000 or of
	// the range 4000–4999, all that a browser may say.
	Close(code int, reason string)
}

// Close codes of the client.
const (
	closeDone   = 1000 // nothing is wanted any more
	closeSilent = 4000 // the peer said nothing, or nothing readable, for too long
)
