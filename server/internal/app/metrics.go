package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// runCounter is a Hub that counts the ends of runs.
type runCounter struct {
	*hub.Hub
	metrics *metrics.Metrics
}

// Publish publishes an event.
func (c runCounter) Publish(e session.Event) {
	switch e.Kind {
	case protocol.RunCompleted:
		c.metrics.RunEnded(metrics.Completed)
	case protocol.RunFailed:
		c.metrics.RunEnded(metrics.Failed)
	case protocol.RunCancelled:
		c.metrics.RunEnded(metrics.Cancelled)
	}
	c.Hub.Publish(e)
}

// watchMetrics gives metrics access to the counts of the parts.
func (g *gatehouse) watchMetrics() {
	g.metrics.Watch(metrics.Sources{
		Connections: g.registry.Counts, Runs: g.runner.Running, Replayed: g.events.Replayed,
	})
}

// serveMetrics serves the metrics on gateway.metrics_listen, if that is set, until ctx
// ends. wait waits for the end.
func (g *gatehouse) serveMetrics(ctx context.Context) (wait func(), err error) {
	address := g.Config.Gateway.MetricsListen
	if address == "" {
		return func() {}, nil
	}
	l, err := listen("gateway.metrics_listen", address)
	if err != nil {
		return nil, err
	}
	const timeout = 10 * time.Second
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", g.metrics.Handler())
	guarded := httpd.OwnHost(httpd.OwnHostOptions{
		Log: g.Log, Metrics: g.metrics, Hosts: g.hosts(),
		Settings: current(g, func(s *settings) httpd.Settings { return s.httpd }),
	}, routes)
	server := &http.Server{
		Handler: guarded, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10,
		ErrorLog:       slog.NewLogLogger(g.Log.Handler(), slog.LevelDebug),
	}
	g.Log.Info("serving metrics", "metrics", l.Addr().String())
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			g.Log.Error("metrics are not served any more", "error", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() {
		stop()
		_ = server.Close()
		<-served
	}, nil
}
