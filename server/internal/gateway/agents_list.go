package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *call) agentsList(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.AgentsListResult{Agents: c.settings.Agents}, nil
}
