package app

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *chat) loadAgents() {
	var result protocol.AgentsListResult
	c.query(protocol.MethodAgentsList, nil, result.DecodeJSON, func(err *protocol.Error) {
		if err == nil {
			c.agents = result.Agents
			c.redraw(partBody)
		}
	})
}

// defaultAgent returns the id of the agent that answers in new sessions.
func (c *chat) defaultAgent() string {
	for i := range c.agents {
		if c.agents[i].Default {
			return c.agents[i].ID
		}
	}
	return "default"
}

// agentName returns the name of a session's agent; "" while it is not known.
func (c *chat) agentName(key string) string {
	id := c.defaultAgent()
	if s := c.list.find(key); s != nil {
		id = s.AgentID
	}
	for i := range c.agents {
		if c.agents[i].ID == id {
			return c.agents[i].Name
		}
	}
	return ""
}
