package app

import (
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
)

// probingTransport opens sockets, but asks the gateway for its health before each one
// except the first, and opens none while the gateway cannot be reached. Firefox delays
// sockets to a host that refused one, each time longer, up to a minute; it does not delay
// other requests. So a page that only tried sockets would be back long after its gateway.
//
// A question that gets no answer at all proves nothing: the browser may ask on a connection
// that died while the machine was asleep. So the socket does not wait long for the answer.
type probingTransport struct {
	client.Transport
	fetch   func(method, path, body string, done func(status int, text string))
	dialled bool
}

// probePatience is how long a socket waits for an answer.
const probePatience = clock.Second

// Dial starts to open a socket.
func (t *probingTransport) Dial(h client.SocketHandler) client.Socket {
	if !t.dialled {
		t.dialled = true
		return t.Transport.Dial(h)
	}
	s := &probedSocket{transport: t.Transport, handler: h}
	t.fetch("GET", "/health", "", func(status int, _ string) { s.decide(answers(status)) })
	clock.AfterFunc(probePatience, func() { s.decide(true) })
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
	transport client.Transport
	handler   client.SocketHandler

	// mu guards the following fields.
	mu      sync.Mutex
	decided bool
	opened  client.Socket // nil before, and if it is not opened at all
	closed  bool          // Close was called before
}

// decide opens the socket, or reports that it cannot be opened. Only the first decision
// counts.
func (s *probedSocket) decide(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.decided:
	case s.closed || !open:
		const abnormal = 1006
		go s.handler.Closed(abnormal, "") // not under mu: it may call s
	default:
		s.opened = s.transport.Dial(s.handler)
	}
	s.decided = true
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
