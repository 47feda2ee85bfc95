package gateway

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Drain refuses new connections and calls that start runs, and tells all clients to
// connect again after retryAfter.
func (g *Gateway) Drain(retryAfter time.Duration) {
	g.draining.Store(true)
	g.Hub.SendToAll(protocol.EventShutdown,
		&protocol.Shutdown{RetryAfterMs: retryAfter.Milliseconds()})
}

// Draining reports whether Drain was called.
func (g *Gateway) Draining() bool { return g.draining.Load() }

// errDraining refuses a call that would start something while the gateway stops.
func errDraining() *protocol.Error {
	return &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: storeRetryMs,
		Message: "the gateway is stopping: reconnect and try again"}
}
