package gateway

import (
	"cmp"
	"maps"
	"slices"
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

// maxConnected bounds the list of connections, in bytes, so that it fits a frame.
const maxConnected = protocol.MaxFrameBytes / 2

// connected gives the authenticated connections, the latest first, as far as
// they fit a frame.
func (g *Gateway) connected() []protocol.ConnectedClient {
	g.clientsMu.Lock()
	clients := slices.Collect(maps.Keys(g.clients))
	g.clientsMu.Unlock()
	slices.SortFunc(clients, func(a, b *client) int { return cmp.Compare(b.id, a.id) })
	var list []protocol.ConnectedClient
	var text []byte
	room := maxConnected
	for _, c := range clients {
		m := c.member.Load()
		if m == nil {
			continue
		}
		shown := protocol.ConnectedClient{
			ID: strconv.FormatInt(c.id, 10), UserID: m.UserID, Role: m.Role, DeviceID: m.DeviceID,
			Address: c.peer.Address.String(), UserAgent: c.peer.UserAgent, ConnectedAt: protocol.At(c.since),
		}
		text = shown.AppendJSON(text[:0])
		if room -= len(text); room < 0 {
			break
		}
		list = append(list, shown)
	}
	return list
}
