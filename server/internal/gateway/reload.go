package gateway

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// configReload reads the configuration again and puts it in force, as far as
// that needs no restart, or changes nothing and says all that is wrong with it.
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
