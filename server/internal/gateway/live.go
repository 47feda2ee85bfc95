package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Live is what may change while a Gateway serves. One that is in force is never
// written to: a change puts another in its place, and a request sees one or the
// other, whole.
type Live struct {
	Pairing      bool             // browsers may ask for pairing
	Agents       []protocol.Agent // the default one first
	RateLimitRPM int              // requests a minute a user; 0 is no limit
	Limits       registry.Limits  // connections
}
