package gateway

import (
	"context"
	"runtime"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) status(*protocol.Empty) (protocol.Payload, error) {
	s := c.g.glance(c.ctx, c.settings)
	if c.isAdmin() {
		s.Detail = c.g.detail(c.ctx)
	}
	return s, nil
}

// Status is what status answers an admin.
func (g *Gateway) Status(ctx context.Context) *protocol.StatusResult {
	s := g.glance(ctx, g.Settings())
	s.Detail = g.detail(ctx)
	return s
}

func (g *Gateway) glance(ctx context.Context, settings Settings) *protocol.StatusResult {
	s := &protocol.StatusResult{
		Server: g.server(), Protocol: protocol.Version, UptimeMs: g.uptime(), Connections: int64(g.Hub.Len()),
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

// detail is what an admin may know of the gateway.
func (g *Gateway) detail(ctx context.Context) *protocol.StatusDetail {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	d := &protocol.StatusDetail{
		StartedAt: protocol.At(g.started), Platform: runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version(),
		MemoryBytes: int64(memory.Sys - memory.HeapReleased), Goroutines: int64(runtime.NumGoroutine()), // #nosec G115 -- no machine has so much memory
		Strangers: int64(g.Registry.Strangers()),
	}
	g.Detail(ctx, d)
	return d
}
