package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

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
	if c.isAdmin() {
		h.Clients, _ = c.g.connected()
	}
	return h, nil
}
