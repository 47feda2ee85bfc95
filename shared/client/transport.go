package client

// Transport opens WebSocket connections to one gateway. It also provides what identifies
// the browser or program at the upgrade: a cookie, an Authorization header, an origin.
type Transport interface {
	// Dial begins to open a socket and returns at once. It never fails: Closed reports a
	// socket that cannot be opened. Until Dial has returned, h is called only from
	// another goroutine.
	Dial(h SocketHandler) Socket
}

// SocketHandler receives the events of one socket, one after the other: Opened at most once,
// then Message any number of times, then Closed exactly once. Closed is also called after
// Socket.Close, and for a socket that never opened.
type SocketHandler interface {
	// Opened reports that the upgrade succeeded.
	Opened()
	// Message receives a text message. The handler owns the data.
	Message(data []byte)
	// Closed reports that the socket has ended, with the peer's close code and reason (RFC
	// 6455 §7.4). The code is 1006 if there was no close frame; the reason is then a
	// sentence for people, if the Transport knows one.
	Closed(code int, reason string)
}

// Socket is a WebSocket connection. Its methods return at once and do not call the
// SocketHandler. They do nothing on a socket that has ended.
type Socket interface {
	// Send queues a text message. The socket owns the data.
	Send(data []byte)
	// Close closes the connection after the queued messages. code is 1000 or within
	// 4000–4999, since browsers allow no others.
	Close(code int, reason string)
}

// Close codes of the client.
const (
	closeDone   = 1000 // the client is done
	closeSilent = 4000 // the peer was silent for too long, or sent an unreadable frame
)
