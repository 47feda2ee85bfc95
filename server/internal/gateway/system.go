package gateway

import (
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) agentsList(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.AgentsListResult{Agents: c.g.Agents}, nil
}

func (c *call) health(*protocol.Empty) (protocol.Payload, error) {
	h := &protocol.HealthResult{
		Status: "ok", Protocol: protocol.Version, UptimeMs: c.g.uptime(), Server: c.g.server(),
	}
	switch {
	case c.g.Draining():
		h.Status = "draining"
	case c.g.Ready(c.ctx) != nil:
		h.Status = "degraded"
	}
	if c.caller().Role.Allows(protocol.Admin) {
		h.Clients = c.g.connected()
	}
	return h, nil
}

func (c *call) status(*protocol.Empty) (protocol.Payload, error) {
	s := &protocol.StatusResult{
		Server: c.g.server(), Protocol: protocol.Version, UptimeMs: c.g.uptime(), Connections: int64(c.g.Hub.Len()),
		RunningRuns: int64(c.g.Runner.Running()), Agents: int64(len(c.g.Agents)), Store: "ok",
	}
	if c.g.Ready(c.ctx) != nil {
		s.Store = "unavailable"
	}
	return s, nil
}

func (g *Gateway) uptime() int64 { return time.Since(g.started).Milliseconds() }

// connected gives the authenticated connections.
func (g *Gateway) connected() []protocol.ConnectedClient {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	list := make([]protocol.ConnectedClient, 0, len(g.clients))
	for c := range g.clients {
		m := c.member.Load()
		if m == nil {
			continue
		}
		list = append(list, protocol.ConnectedClient{
			ID: strconv.FormatInt(c.id, 10), UserID: m.UserID, Role: m.Role, DeviceID: m.DeviceID,
			Address: c.peer.Address.String(), UserAgent: c.peer.UserAgent, ConnectedAt: protocol.At(c.since),
		})
	}
	return list
}
