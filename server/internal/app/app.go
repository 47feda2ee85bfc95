package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/static"
)

// Options are what a gateway is started with.
type Options struct {
	Config  config.Config
	Version string
	Log     *slog.Logger
	// Level, if set, is what Log logs from; a reload sets it.
	Level *slog.LevelVar
	// Load reads the configuration again, from where Config came; nil: it cannot
	// be. ConfigFile is the name of its file, without the folder, or empty.
	Load       func() (config.Config, []config.Warning, error)
	ConfigFile string
	// Reloads asks for that with each value; nil: nobody does.
	Reloads <-chan os.Signal
	// Out takes what is for the person who starts the gateway, the sign-in link
	// among it; nil: nobody.
	Out io.Writer
}

// closeTimeout bounds what is left to do once runs have ended.
const closeTimeout = 10 * time.Second

// gatehouse is a gateway that runs.
type gatehouse struct {
	Options
	store    storage
	token    auth.Token
	assets   *static.Assets
	links    auth.Links
	metrics  *metrics.Metrics
	keys     *auth.Keys
	pairings *pairing.Service
	sessions *session.Service
	media    *media.Service
	runner   *run.Runner
	access   *access.Control
	registry *registry.Registry
	gateway  *gateway.Gateway
	audit    *audit.Service
	events   *hub.Hub
	hook     *webhook.Sender
	live     atomic.Pointer[settings] // what holds now; Config is what held at the start
	sockets  *httpd.Sockets
	http     *http.Server
	listener net.Listener
	certs    certificates // nil: plain HTTP
	redirect *redirect    // nil: none

	reloading sync.Mutex
	loaded    loaded
}

// Run runs a gateway until ctx ends, then lets runs finish (drain_timeout),
// tells its clients and closes the store last. It returns nil after a stop that
// was asked for.
func Run(ctx context.Context, o Options) (err error) {
	g := &gatehouse{Options: o, metrics: metrics.New()}
	g.Load = canReload(o.Load)
	// Before anything is written: a binary without the client must not start.
	if g.assets, err = static.Load(); err != nil {
		return err
	}
	if g.store, err = openStore(ctx, o.Config, o.Log, g.metrics.Committed); err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, g.store.Close()) }()
	if err := g.build(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.media.Close()) }()
	if g.listener, err = net.Listen("tcp", o.Config.Gateway.Listen); err != nil {
		_ = g.gateway.Shutdown(ctx) // it has no connections
		return fmt.Errorf("gateway.listen: %w", err)
	}
	waitMetrics, err := g.serveMetrics(ctx)
	if err != nil {
		_ = g.gateway.Shutdown(ctx)
		return errors.Join(err, g.listener.Close())
	}
	defer waitMetrics()
	if err := g.listenPlain(); err != nil {
		_ = g.gateway.Shutdown(ctx)
		return errors.Join(err, g.listener.Close())
	}
	return g.serve(ctx)
}

// build joins the parts.
func (g *gatehouse) build() error {
	if err := g.loadToken(); err != nil {
		return err
	}
	begin, err := newSettings(g.Config)
	if err != nil {
		return err
	}
	g.live.Store(begin)
	if err := g.makeCertificates(); err != nil {
		return err
	}
	g.hook = webhook.New(webhook.Options{Log: g.Log, Settings: inForce(g, func(s *settings) webhook.Settings { return s.hook })})
	told := &notifier{hook: g.hook}
	events := hub.New()
	g.events = events
	g.audit = audit.New(g.store.Audit(), audit.Options{Log: g.Log, Written: func() { events.NotifyAdmins(protocol.TopicAudit) }})
	g.pairings = pairing.New(g.store.Pairings(), pairing.Options{Notifier: told, Binding: g.token.Fingerprint,
		Settings: inForce(g, func(s *settings) pairing.Settings { return s.pairing })})
	g.keys = auth.NewKeys(g.store.Keys())
	g.sessions = session.New(g.store.Sessions(), counted{events, g.metrics},
		inForce(g, func(s *settings) session.Settings { return s.session }))
	if g.media, err = media.New(filepath.Join(g.Config.DataDir, "media"), g.store.Media(),
		inForce(g, func(s *settings) media.Settings { return s.media })); err != nil {
		return err
	}
	g.runner = run.New(g.sessions, g.media, inForce(g, func(s *settings) run.Settings { return s.run }), g.Log)
	g.access = access.New(access.Options{
		Log: g.Log, Metrics: g.metrics, Token: g.token, Keys: g.keys, Devices: g.pairings, Links: &g.links, Guesses: g.audit,
	})
	g.registry = registry.New()
	g.gateway = gateway.New(gateway.Options{
		Log: g.Log, Version: g.Version, Access: g.access, Registry: g.registry, Settings: inForce(g, func(s *settings) gateway.Settings { return s.gateway }), Sessions: g.sessions,
		Runner: g.runner, Pairings: g.pairings, Keys: g.keys, Audit: g.audit, Hub: events, Metrics: g.metrics, Ready: g.store.Ping,
		Reload: g.reload, Detail: g.detail,
	})
	told.gateway = g.gateway
	handler := httpd.New(httpd.Options{
		Log: g.Log, Metrics: g.metrics, Identities: g.access, SignIns: g.access, Gateway: g.gateway, Refusals: g.gateway,
		Connections: g.registry, Keys: g.keys, Audit: g.audit, Sessions: g.sessions, Pairings: g.pairings, Media: g.media, Assets: g.assets,
		Settings: inForce(g, func(s *settings) httpd.Settings { return s.httpd }), Instance: g.store.InstanceID(), Ready: g.store.Ping,
	})
	g.sockets = httpd.NewSockets(httpd.SocketOptions{Log: g.Log, Metrics: g.metrics,
		Settings: inForce(g, func(s *settings) httpd.SocketSettings { return s.sockets })})
	g.http = httpd.NewServer(handler, g.sockets, g.Log)
	g.watchMetrics(events)
	return nil
}

// loadToken takes the token of the configuration, or the one that the data
// directory keeps.
func (g *gatehouse) loadToken() error {
	if t := g.Config.Gateway.Token; t.IsSet() {
		g.token = auth.NewToken(t.Reveal())
		return nil
	}
	stored, err := auth.LoadToken(g.Config.DataDir)
	if err != nil {
		return err
	}
	if stored.Warning != "" {
		g.Log.Warn("the gateway token can be read by others", "file", stored.File, "problem", stored.Warning)
	}
	g.token = stored.Token
	return nil
}

// serve serves until ctx ends or the listener fails, and stops.
func (g *gatehouse) serve(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	sweeping, stopSweeping := context.WithCancel(context.Background())
	defer stopSweeping()
	beside.Go(func() { g.sweep(sweeping) })
	err := errors.Join(g.recoverRuns(ctx, true), g.note(ctx, audit.GatewayStarted))
	if err == nil {
		tidying, stopTidying := context.WithCancel(ctx)
		defer stopTidying()
		beside.Go(func() { g.tidy(tidying) })
		beside.Go(func() { g.hangups(tidying) })
		if g.certs != nil {
			beside.Go(func() { g.certs.Watch(tidying) })
		}
		err = g.listen(ctx)
		stopTidying()
	}
	g.drain()
	return unlessStopped(ctx, err)
}

// note adds a line of the gateway's own to the audit log.
func (g *gatehouse) note(ctx context.Context, action string) error {
	_, err := g.audit.Begin(ctx, audit.Gateway(), audit.Act{Action: action, Detail: "version " + g.Version})
	return err
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
	failed := make(chan error, 2)
	go func() { failed <- g.serveHTTP() }()
	if g.redirect != nil {
		g.Log.Info("leading from plain HTTP to HTTPS", "redirect", g.redirect.Listener.Addr().String())
		go func() { failed <- g.redirect.Serve(g.sockets.Listener(g.redirect.Listener)) }()
	}
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
	drainTimeout := g.live.Load().config.Gateway.DrainTimeout
	g.Log.Info("stopping", "drain_timeout", drainTimeout)
	const comeBack = 2 * time.Second
	g.gateway.Drain(comeBack)
	draining, done := context.WithTimeout(context.Background(), drainTimeout)
	g.runner.Stop(draining)
	done()
	closing, done := context.WithTimeout(context.Background(), closeTimeout)
	defer done()
	if g.redirect != nil {
		_ = g.redirect.Server.Close() // nobody waits for a redirect
	}
	if err := errors.Join(g.gateway.Shutdown(closing), g.http.Shutdown(closing)); err != nil {
		g.Log.Warn("connections cut off", "error", err)
	}
	g.hook.Stop()
	g.live.Load().retire()
	if err := g.note(closing, audit.GatewayStopped); err != nil {
		g.Log.Warn("the audit log does not tell of the stop", "error", err)
	}
	g.Log.Info("stopped")
}
