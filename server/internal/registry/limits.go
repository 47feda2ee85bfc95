package registry

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits are how many connections there may be. The configuration owns the defaults.
type Limits struct {
	Connections           int // in all
	ConnectionsPerUser    int
	ConnectionsPerAddress int // of a network, see ratelimit.Network
	PendingConnections    int // not authenticated
}

// The delay after which a client may try again if there are too many connections.
const (
	RetryFull    = 10 * time.Second
	RetryPending = 2 * time.Second
)

// Full says that there are too many connections. Reserve gives it, before the WebSocket
// is opened.
type Full struct {
	Cause metrics.Refusal
	Err   *protocol.Error // what the client may know
}

// Error is the text of Err.
func (f *Full) Error() string { return f.Err.Error() }

// Unwrap gives Err.
func (f *Full) Unwrap() error { return f.Err }

func full(cause metrics.Refusal, why string, retry time.Duration) *Full {
	return &Full{cause, protocol.Exhausted(why, retry.Milliseconds())}
}
