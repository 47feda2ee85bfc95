package app

import (
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/client"
)

// probingTransport opens sockets, but asks the gateway for its health before each one
// except the first, and opens none while nobody answers. Firefox delays sockets to a host
// that refused one, each time longer, up to a minute; it does not delay other requests. So
// a page that only tried sockets would be back long after its gateway.
type probingTransport struct {
	client.Transport
	fetch   func(method, path, body string, done func(status int, text string))
	dialled bool
}

// Dial starts to open a socket.
func (t *probingTransport) Dial(h client.SocketHandler) client.Socket {
	if !t.dialled {
		t.dialled = true
		return t.Transport.Dial(h)
	}
	s := &probedSocket{}
	t.fetch("GET", "/health", "", func(status int, _ string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || !answers(status) {
			const abnormal = 1006
			go h.Closed(abnormal, "") // not under mu: h may call s
			return
		}
		s.opened = t.Transport.Dial(h)
	})
	return s
}

// answers reports whether a status shows that the gateway can be reached. A proxy answers
// 502, 503 or 504 for a gateway that is down. Any other status will do: whatever is between
// may refuse a request for the health and still pass sockets.
func answers(status int) bool {
	switch status {
	case 0, 502, 503, 504:
		return false
	}
	return true
}

// probedSocket is a socket that is opened when the gateway has answered.
type probedSocket struct {
	// mu guards the following fields.
	mu     sync.Mutex
	opened client.Socket // nil before
	closed bool          // Close was called before
}

// Send passes on a message. No message is sent before the socket is open.
func (s *probedSocket) Send(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened != nil {
		s.opened.Send(data)
	}
}

// Close closes the socket, or keeps it from being opened.
func (s *probedSocket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened != nil {
		s.opened.Close(code, reason)
	}
	s.closed = true
}
