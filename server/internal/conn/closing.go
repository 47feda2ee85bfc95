package conn

import (
	"fmt"

	"github.com/coder/websocket"
)

// Cause is who or what ended a connection.
type Cause uint8

// The causes. A connection has exactly one: the first that occurred.
const (
	PeerClosed Cause = iota + 1 // the peer sent a close frame
	OursClosed                  // Close, the hello deadline or Shutdown
	Broken                      // the socket failed, or ended without a close frame
	Dead                        // no sign of life within Limits.Read
	TooSlow                     // the queue overflowed, or a frame took longer than Limits.Write
	TooBig                      // a message over the limit in force
	Fragmented                  // a message in too many fragments
	Malformed                   // input that RFC 6455 does not allow
)

// String returns the cause in a form that suits logs and metric labels.
func (c Cause) String() string {
	switch c {
	case PeerClosed:
		return "peer_closed"
	case OursClosed:
		return "closed"
	case Broken:
		return "broken"
	case Dead:
		return "dead"
	case TooSlow:
		return "too_slow"
	case TooBig:
		return "too_big"
	case Fragmented:
		return "fragmented"
	case Malformed:
		return "malformed"
	}
	return fmt.Sprintf("Cause(%d)", uint8(c))
}

// Causes gives all causes.
func Causes() []Cause {
	causes := make([]Cause, Malformed)
	for i := range causes {
		causes[i] = Cause(i + 1)
	}
	return causes
}

// Closing is why a connection ended.
type Closing struct {
	Cause Cause
	// Code and Reason are those of the close frame: the peer's for PeerClosed, ours
	// otherwise. They are zero if no close frame could be sent. A peer's reason is
	// untrusted and may be invalid UTF-8.
	Code   websocket.StatusCode
	Reason string
	// Err is what failed, or nil.
	Err error
}
