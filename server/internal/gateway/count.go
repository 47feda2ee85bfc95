package gateway

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// withinRate counts a frame of a member against what its user may send. Frames
// alone count: pings do not, nor does what is asked for over HTTP.
func (c *call) withinRate() error {
	m, rpm := c.member.Load(), c.live.Limits.RateLimitRPM
	if m == nil || rpm <= 0 {
		return nil
	}
	wait, ok := c.g.buckets.take(m.UserID, rpm)
	if ok {
		return nil
	}
	c.g.Metrics.RateLimited(metrics.LimitUser)
	if _, ok := c.g.lines.Take(c.peer.Address); ok {
		c.g.Log.Warn("security.rate_limited", "address", c.peer.Address, "user", m.UserID, "what", "requests of a user")
	}
	return protocol.Exhausted("too many requests: this gateway takes so many a minute from one user; wait, then go on",
		(wait + time.Millisecond - 1).Milliseconds())
}

// violates notes a frame that the protocol does not allow. A flood of them must
// not become one of lines.
func (c *call) violates(wrong metrics.Violation) {
	c.g.Metrics.Violation(wrong)
	if _, ok := c.g.lines.Take(c.peer.Address); ok {
		c.g.Log.Info("protocol violation", "address", c.peer.Address, "what", string(wrong))
	}
}

// violationOf names what is wrong with a text that is no frame.
func violationOf(bad *jsontext.Error) metrics.Violation {
	switch {
	case bad.Deep:
		return metrics.TooDeep
	case bad.Syntax:
		return metrics.NotJSON
	}
	return metrics.WrongType
}

// countEnd counts the end of a connection.
func (c *client) countEnd(cause conn.Cause) {
	c.g.Metrics.ConnectionClosed(cause)
	switch cause {
	case conn.TooBig:
		c.g.Metrics.Violation(metrics.TooBig)
	case conn.Fragmented:
		c.g.Metrics.Violation(metrics.Fragmented)
	case conn.Malformed:
		c.g.Metrics.Violation(metrics.Malformed)
	}
}

// Connections gives how many connections are not authenticated, how many of the
// others wait for pairing, and how many are authenticated.
func (g *Gateway) Connections() (pending, pairing, authenticated int) {
	g.pendingMu.Lock()
	for _, of := range g.pending {
		pairing += len(of)
	}
	g.pendingMu.Unlock()
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	for c := range g.clients {
		if c.member.Load() != nil {
			authenticated++
		} else {
			pending++
		}
	}
	return max(0, pending-pairing), pairing, authenticated
}
