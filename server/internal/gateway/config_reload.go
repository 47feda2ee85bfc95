package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// describeReload names no target: the act is done to the gateway itself.
func describeReload(*call, *protocol.Empty) *audit.Act { return &audit.Act{} }

// configReload reads the configuration again and applies what needs no restart, or
// changes nothing and says everything that is wrong with it.
func (c *call) configReload(*protocol.Empty) (protocol.Payload, error) {
	if c.g.Draining() {
		return nil, errDraining()
	}
	result, err := c.g.Reload(c.ctx)
	if err != nil {
		return nil, err
	}
	return &result, nil
}
