package registry

import (
	"cmp"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits are how many connections there may be. A field that is zero takes its default.
type Limits struct {
	Connections           int // in all; default 10,000
	ConnectionsPerUser    int // default 50
	ConnectionsPerAddress int // of a network, see ratelimit.Network; default 250
	PendingConnections    int // not authenticated; default 1,000
}

// WithDefaults gives the limits with every field set.
func (l Limits) WithDefaults() Limits {
	return Limits{
		Connections:           cmp.Or(l.Connections, 10_000),
		ConnectionsPerUser:    cmp.Or(l.ConnectionsPerUser, 50),
		ConnectionsPerAddress: cmp.Or(l.ConnectionsPerAddress, 250),
		PendingConnections:    cmp.Or(l.PendingConnections, 1000),
	}
}

// How long clients are told to wait when there is no room.
const (
	RetryFull    = 10 * time.Second
	RetryPending = 2 * time.Second
)

// Full is why there is no room for a connection. Reserve gives it, before the WebSocket is
// opened.
type Full struct {
	Cause metrics.Refusal
	Err   *protocol.Error // what the client may know
}

// Error is Err's.
func (f *Full) Error() string { return f.Err.Error() }

// Unwrap gives Err.
func (f *Full) Unwrap() error { return f.Err }

func full(cause metrics.Refusal, why string, retry time.Duration) *Full {
	return &Full{cause, protocol.Exhausted(why, retry.Milliseconds())}
}
