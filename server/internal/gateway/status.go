package gateway

import (
	"context"
	"runtime"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) status(*protocol.Empty) (protocol.Payload, error) {
	user := c.caller().UserID
	if c.isAdmin() {
		user = ""
	}
	s := c.g.statusResult(c.ctx, c.settings, user)
	if c.isAdmin() {
		s.Detail = c.g.detail(c.ctx)
	}
	return s, nil
}

// Status is the result of status for an admin.
func (g *Gateway) Status(ctx context.Context) *protocol.StatusResult {
	s := g.statusResult(ctx, g.Settings(), "")
	s.Detail = g.detail(ctx)
	return s
}

// statusResult is the part of status that everybody gets. It counts the sessions of a
// user, or of all users if user is empty; none while the store cannot be read.
func (g *Gateway) statusResult(ctx context.Context, settings Settings, user string) *protocol.StatusResult {
	s := &protocol.StatusResult{
		Server: g.server(), Protocol: protocol.Version, UptimeMs: g.uptime(),
		Connections: int64(g.Hub.Len()),
		RunningRuns: int64(g.Runner.Running()), AgentTotal: int64(len(settings.Agents)), Store: "ok",
	}
	s.Clients = s.Connections
	for _, a := range settings.Agents {
		s.Agents = append(s.Agents,
			protocol.AgentStatus{ID: a.ID, Model: a.Model, IsRunning: g.Runner.Answering(a.ID)})
	}
	n, err := g.Sessions.Count(ctx, user, protocol.MaxListOffset)
	if s.Sessions = int64(n); err != nil || g.Ready(ctx) != nil {
		s.Store = "unavailable"
	}
	return s
}

func (g *Gateway) server() protocol.Server {
	return protocol.Server{Name: "gatehouse", Version: g.Version}
}

func (g *Gateway) uptime() int64 { return time.Since(g.started).Milliseconds() }

// detail is the part of status that only admins get.
func (g *Gateway) detail(ctx context.Context) *protocol.StatusDetail {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	d := &protocol.StatusDetail{
		StartedAt: protocol.At(g.started), Platform: runtime.GOOS + "/" + runtime.GOARCH + " " +
			runtime.Version(),
		MemoryBytes: int64(memory.Sys - memory.HeapReleased), Goroutines: int64(runtime.NumGoroutine()), // #nosec G115 -- no machine has so much memory
		Strangers: int64(g.Registry.Strangers()),
	}
	g.Detail(ctx, d)
	return d
}
