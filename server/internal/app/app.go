package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/static"
)

// Options are what a gateway is started with.
type Options struct {
	Config  config.Config
	Version string
	Log     *slog.Logger
	// Out takes what is for the person who starts the gateway, the sign-in link
	// among it; nil: nobody.
	Out io.Writer
}

// closeTimeout bounds what is left to do once runs have ended.
const closeTimeout = 10 * time.Second

// gatehouse is a gateway that runs.
type gatehouse struct {
	Options
	store    *sqlite.Store
	token    auth.Token
	links    auth.Links
	pairings *pairing.Service
	sessions *session.Service
	runner   *run.Runner
	gateway  *gateway.Gateway
	agents   []protocol.Agent
	http     *http.Server
	listener net.Listener
}

// Run runs a gateway until ctx ends, then lets runs finish (drain_timeout),
// tells its clients and closes the store last. It returns nil after a stop that
// was asked for.
func Run(ctx context.Context, o Options) (err error) {
	g := &gatehouse{Options: o}
	if g.store, err = sqlite.Open(ctx, o.Config.DataDir, sqlite.Options{Logger: o.Log}); err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, g.store.Close()) }()
	if err := g.build(); err != nil {
		return err
	}
	if g.listener, err = net.Listen("tcp", o.Config.Gateway.Listen); err != nil {
		_ = g.gateway.Shutdown(ctx) // it has no connections
		return fmt.Errorf("gateway.listen: %w", err)
	}
	return g.serve(ctx)
}

// build joins the parts.
func (g *gatehouse) build() error {
	if err := g.loadToken(); err != nil {
		return err
	}
	agents, list, err := makeAgents(g.Config.Agents)
	if err != nil {
		return err
	}
	assets, err := static.Load()
	if err != nil {
		return err
	}
	g.agents = list
	told := &notifier{}
	events := hub.New()
	g.pairings = pairing.New(g.store.Pairings(), pairing.Options{Notifier: told, Binding: g.token.Fingerprint})
	g.sessions = session.New(g.store.Sessions(), events)
	g.runner = run.New(g.sessions, agents, g.Log)
	g.gateway = gateway.New(gateway.Options{
		Log: g.Log, Version: g.Version, Token: g.token, Pairing: g.Config.Gateway.Pairing, Sessions: g.sessions,
		Runner: g.runner, Pairings: g.pairings, Hub: events, Agents: list, Ready: g.store.Ping,
	})
	told.Gateway = g.gateway
	g.http = &http.Server{
		Handler: httpd.New(httpd.Options{
			Log: g.Log, Gateway: g.gateway, Sessions: g.sessions, Pairings: g.pairings, Links: &g.links, Assets: assets,
			Agents: list, Instance: g.store.InstanceID(), AllowedOrigins: g.Config.Gateway.AllowedOrigins,
			TrustedProxies: g.Config.Gateway.TrustedProxies, PublicURL: g.Config.Gateway.PublicURL, Ready: g.store.Ping,
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(g.Log.Handler(), slog.LevelDebug),
	}
	return nil
}

// notifier passes on what the pairing desk says, once there is a gateway.
type notifier struct{ *gateway.Gateway }

// loadToken takes the token of the configuration, or the one that the data
// directory keeps.
func (g *gatehouse) loadToken() error {
	if t := g.Config.Gateway.Token; t.IsSet() {
		g.token = auth.NewToken(t.Reveal())
		return nil
	}
	kept, err := auth.KeepToken(g.Config.DataDir)
	if err != nil {
		return err
	}
	if kept.Loose != "" {
		g.Log.Warn("the gateway token can be read by others", "file", kept.File, "problem", kept.Loose)
	}
	g.token = kept.Token
	return nil
}

// serve serves until ctx ends or the listener fails, and stops.
func (g *gatehouse) serve(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	sweeping, stopSweeping := context.WithCancel(context.Background())
	defer stopSweeping()
	beside.Go(func() { g.sweep(sweeping) })
	err := g.recoverRuns(ctx, true)
	if err == nil {
		tidying, stopTidying := context.WithCancel(ctx)
		defer stopTidying()
		beside.Go(func() { g.tidy(tidying) })
		err = g.listen(ctx)
		stopTidying()
	}
	g.drain()
	return unlessStopped(ctx, err)
}

// unlessStopped is err, but nil for what a stop broke off before the gateway had
// begun.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen lets clients in until ctx ends.
func (g *gatehouse) listen(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- g.http.Serve(g.listener) }()
	g.welcome()
	g.Log.Info("listening", "address", g.listener.Addr().String(), "version", g.Version)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// drain lets runs finish, then says good-bye and closes every connection.
func (g *gatehouse) drain() {
	g.Log.Info("stopping", "drain_timeout", g.Config.Gateway.DrainTimeout)
	const comeBack = 2 * time.Second
	g.gateway.Drain(comeBack)
	draining, done := context.WithTimeout(context.Background(), g.Config.Gateway.DrainTimeout)
	g.runner.Stop(draining)
	done()
	closing, done := context.WithTimeout(context.Background(), closeTimeout)
	defer done()
	if err := errors.Join(g.gateway.Shutdown(closing), g.http.Shutdown(closing)); err != nil {
		g.Log.Warn("connections cut off", "error", err)
	}
	g.Log.Info("stopped")
}
