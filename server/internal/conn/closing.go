package conn

import (
	"fmt"

	"github.com/coder/websocket"
)

// Cause says who ended a connection, or what did.
type Cause uint8

// The causes. Exactly one applies to a connection, the first that occurred.
const (
	PeerClosed Cause = iota + 1 // the peer sent a close frame
	OursClosed                  // Close, the hello deadline or Shutdown
	Broken                      // the socket failed, or ended without a close frame
	Dead                        // no sign of life within Limits.Read
	TooSlow                     // the queue overflowed, or a frame took longer than Limits.Write
	TooBig                      // a message over the limit in force
	Fragmented                  // a message in so many fragments that they are most of it
	Malformed                   // not what RFC 6455 allows a client to send
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

// Causes gives all of them.
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
	// Code and Reason are the close frame's, the peer's for PeerClosed and ours
	// otherwise; zero where none could be sent. Reason of a peer is untrusted
	// and may be invalid UTF-8.
	Code   websocket.StatusCode
	Reason string
	// Err is what failed; nil where nothing did, and it may be nil for TooSlow.
	Err error
}
