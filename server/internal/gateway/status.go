package gateway

import (
	"context"
	"runtime"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) status(*protocol.Empty) (protocol.Payload, error) {
	s := c.g.statusResult(c.ctx, c.settings)
	if c.isAdmin() {
		s.Detail = c.g.detail(c.ctx)
	}
	return s, nil
}

// Status is the result of status for an admin.
func (g *Gateway) Status(ctx context.Context) *protocol.StatusResult {
	s := g.statusResult(ctx, g.Settings())
	s.Detail = g.detail(ctx)
	return s
}

// statusResult is the part of status that everybody gets.
func (g *Gateway) statusResult(ctx context.Context, settings Settings) *protocol.StatusResult {
	s := &protocol.StatusResult{
		Server: g.server(), Protocol: protocol.Version, UptimeMs: g.uptime(),
		Connections: int64(g.Hub.Len()),
		RunningRuns: int64(g.Runner.Running()), Agents: int64(len(settings.Agents)), Store: "ok",
	}
	if g.Ready(ctx) != nil {
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
