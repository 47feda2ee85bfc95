package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Settings are what the configuration says about the protocol. A call sees the same
// Settings from its beginning to its end, even if the configuration is reloaded meanwhile.
type Settings struct {
	// Pairing allows browsers to ask for pairing.
	Pairing bool
	// Agents are the agents that answer, the default one first. There is at least one.
	Agents []protocol.Agent
	// RateLimitRPM is how many requests a user may make in a minute, over all of the
	// user's connections; 0: any number.
	RateLimitRPM int
	// Limits are those of connections.
	Limits registry.Limits
}
