package gateway

import "cmp"

// Limits are how much a Gateway takes. A field that is zero takes its default.
type Limits struct {
	RateLimitRPM          int // requests a minute a user, burst 5; 0 is no limit
	Connections           int // in all; default 10,000
	ConnectionsPerUser    int // default 50
	ConnectionsPerAddress int // default 250
	PendingConnections    int // not authenticated; default 1,000
}

// Limits gives those that hold now.
func (g *Gateway) Limits() Limits { return g.Live().Limits.withDefaults() }

func (l Limits) withDefaults() Limits {
	return Limits{
		RateLimitRPM:          l.RateLimitRPM,
		Connections:           cmp.Or(l.Connections, 10_000),
		ConnectionsPerUser:    cmp.Or(l.ConnectionsPerUser, 50),
		ConnectionsPerAddress: cmp.Or(l.ConnectionsPerAddress, 250),
		PendingConnections:    cmp.Or(l.PendingConnections, 1000),
	}
}
