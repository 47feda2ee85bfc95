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

// agentOf returns the name of a session's agent; "" while it is not known.
func (c *chat) agentOf(s *session) string {
	if s.other != nil {
		return s.other.agent
	}
	id := c.defaultAgent()
	if listed := c.list.find(s.key); listed != nil {
		id = listed.AgentID
	} else if s.key != "" && !c.list.loaded {
		return ""
	}
	for i := range c.agents {
		if c.agents[i].ID == id {
			return c.agents[i].Name
		}
	}
	return ""
}
