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
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/static"
)

// Options are what a gateway is started with.
type Options struct {
	// Config is the configuration at the start.
	Config config.Config
	// Version is the version of the binary, as clients and admins see it.
	Version string
	// Log takes all log lines.
	Log *slog.Logger
	// Level is the least level that Log logs; a reload sets it. It may be nil.
	Level *slog.LevelVar
	// Load reads the configuration again, from where Config came. Without it, the
	// gateway refuses to reload.
	Load func() (config.Config, []config.Warning, error)
	// Reloads makes the gateway reload once for each signal. It may be nil.
	Reloads <-chan os.Signal
	// PDFReader is the command line of a process that calls pdftext.Main. Without it,
	// models get no text of PDFs.
	PDFReader []string
	// AcceptEmpty starts with an empty database although the data directory shows that
	// there was one.
	AcceptEmpty bool
	// Out takes the text for the person who starts the gateway, which has a sign-in
	// link. It may be nil.
	Out io.Writer
}

// closeTimeout bounds the rest of a stop, once the runs have ended.
const closeTimeout = 10 * time.Second

// gatehouse is a running gateway.
type gatehouse struct {
	Options
	store       storage
	token       auth.Token
	assets      *static.Assets
	links       auth.Links
	metrics     *metrics.Metrics
	keys        *auth.Keys
	pairings    *pairing.Service
	sessions    *session.Service
	media       *media.Service
	runner      *run.Runner
	access      *access.Control
	registry    *registry.Registry
	gateway     *gateway.Gateway
	audit       *audit.Service
	formatter   *present.Formatter
	events      *hub.Hub
	hook        *webhook.Sender
	settings    atomic.Pointer[settings] // the current ones; Config is that of the start
	connLimiter *httpd.ConnLimiter
	http        *http.Server
	listener    net.Listener
	certs       certificates // nil: plain HTTP
	redirect    *redirect    // nil: none

	// reloading is held during a reload. It guards the following field.
	reloading  sync.Mutex
	lastReload lastReload
}

// Run runs a gateway until ctx ends. Then runs may finish within
// gateway.drain_timeout, clients are notified, and the store is closed last. Run returns
// nil if it stopped because ctx ended.
func Run(ctx context.Context, o Options) (err error) {
	g := &gatehouse{Options: o, metrics: metrics.New()}
	if g.Load == nil {
		g.Load = cannotLoad
	}
	// Check before anything is written: a binary without the client must not start.
	if g.assets, err = static.Load(); err != nil {
		return err
	}
	warnings, err := Check(o.Config)
	if err != nil {
		return err
	}
	if g.store, err = openStore(ctx, o.Config, o.Log, o.AcceptEmpty,
		g.metrics.Committed); err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, g.store.Close()) }()
	for _, w := range warnings {
		g.Log.Warn("other users of this machine can reach the data", "problem", w)
	}
	if err := g.build(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.media.Close()) }()
	if g.listener, err = listen("gateway.listen", o.Config.Gateway.Listen); err != nil {
		_ = g.gateway.Shutdown(ctx) // it has no connections
		return err
	}
	waitMetrics, err := g.serveMetrics(ctx)
	if err != nil {
		_ = g.gateway.Shutdown(ctx)
		return errors.Join(err, g.listener.Close())
	}
	defer waitMetrics()
	if err := g.listenRedirect(); err != nil {
		_ = g.gateway.Shutdown(ctx)
		return errors.Join(err, g.listener.Close())
	}
	return g.serve(ctx)
}

// build makes the parts and joins them.
func (g *gatehouse) build() error {
	if err := g.loadToken(); err != nil {
		return err
	}
	first, err := newSettings(g.Config)
	if err != nil {
		return err
	}
	g.settings.Store(first)
	if err := g.makeCertificates(); err != nil {
		return err
	}
	notifier := &notifier{}
	if err := g.buildDomain(notifier); err != nil {
		return err
	}
	g.buildGateway()
	notifier.hook, notifier.gateway = g.hook, g.gateway
	g.buildHTTP()
	g.watchMetrics()
	return nil
}

// buildDomain makes the parts that do not know of connections. notifier is called
// only after build.
func (g *gatehouse) buildDomain(notifier *notifier) (err error) {
	g.hook = webhook.New(webhook.Options{
		Log: g.Log, Settings: current(g, func(s *settings) webhook.Settings { return s.hook }),
	})
	g.formatter = present.NewFormatter()
	g.events = hub.New(g.formatter)
	g.audit = audit.New(g.store.Audit(), audit.Options{
		Log: g.Log, Written: func() { g.events.NotifyAdmins(protocol.TopicAudit) },
	})
	g.pairings = pairing.New(g.store.Pairings(), pairing.Options{
		Notifier: notifier, Binding: g.token.Fingerprint,
		Waiting:  func() []string { return g.registry.Pairings() },
		Settings: current(g, func(s *settings) pairing.Settings { return s.pairing }),
	})
	g.keys = auth.NewKeys(g.store.Keys())
	g.sessions = session.New(g.store.Sessions(), runCounter{g.events, g.metrics},
		current(g, func(s *settings) session.Settings { return s.session }))
	g.sessions.PlainLine = present.Line
	g.media, err = media.New(filepath.Join(g.Config.DataDir, media.Folder), g.store.Media(),
		current(g, func(s *settings) media.Settings { return s.media }))
	if err != nil {
		return err
	}
	g.media.PDFText = pdfText(g.PDFReader, g.Log)
	g.runner = run.New(g.sessions, g.media,
		current(g, func(s *settings) run.Settings { return s.run }), g.Log)
	return nil
}

// buildGateway makes what serves the WebSocket.
func (g *gatehouse) buildGateway() {
	g.access = access.New(access.Options{
		Log: g.Log, Metrics: g.metrics, Token: g.token, Keys: g.keys, Devices: g.pairings,
		Links: &g.links, Guesses: g.audit,
	})
	g.registry = registry.New()
	g.gateway = gateway.New(gateway.Options{
		Log: g.Log, Version: g.Version, Access: g.access, Registry: g.registry,
		Settings: current(g, func(s *settings) gateway.Settings { return s.gateway }),
		Sessions: g.sessions, Runner: g.runner, Pairings: g.pairings, Keys: g.keys,
		Audit: g.audit, Hub: g.events, Formatter: g.formatter, Metrics: g.metrics, Ready: g.store.Ping,
		Reload: g.reload, Detail: g.addDetail,
	})
}

// buildHTTP makes the HTTP server.
func (g *gatehouse) buildHTTP() {
	handler := httpd.New(httpd.Options{
		Log: g.Log, Metrics: g.metrics, Identities: g.access, SignIns: g.access,
		Gateway: g.gateway, Refusals: g.gateway, Connections: g.registry, Keys: g.keys,
		Audit: g.audit, Sessions: g.sessions, Formatter: g.formatter, Pairings: g.pairings, Media: g.media,
		Assets:   g.assets,
		Settings: current(g, func(s *settings) httpd.Settings { return s.httpd }),
		Instance: g.store.InstanceID(), Ready: g.store.Ping, Hosts: g.hosts(),
	})
	g.connLimiter = httpd.NewConnLimiter(httpd.ConnLimiterOptions{
		Log: g.Log, Metrics: g.metrics,
		Settings: current(g, func(s *settings) httpd.ConnLimiterSettings { return s.connLimiter }),
	})
	g.http = httpd.NewServer(handler, g.connLimiter, g.Log)
}

// loadToken takes the gateway token from the configuration, or else from the data
// directory, where it is generated at the first start.
func (g *gatehouse) loadToken() error {
	if t := g.Config.Gateway.Token; t.IsSet() {
		g.token = auth.NewToken(t.Reveal())
		return nil
	}
	stored, err := auth.LoadToken(g.Config.DataDir)
	if err != nil {
		return err
	}
	for _, w := range stored.Warnings {
		g.Log.Warn("the gateway token is not safe", "file", stored.File, "problem", w)
	}
	g.token = stored.Token
	return nil
}

// serve serves until ctx ends or a listener fails, and then stops the gateway.
func (g *gatehouse) serve(ctx context.Context) error {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	// The sweep outlives ctx: it writes what the parts keep in memory until the end.
	sweeping, stopSweep := context.WithCancel(context.Background())
	defer stopSweep()
	jobs.Go(func() { g.sweepRecords(sweeping) })
	err := errors.Join(g.recoverRuns(ctx, true), g.auditLifecycle(ctx, audit.GatewayStarted))
	if err == nil {
		serving, stopJobs := context.WithCancel(ctx)
		defer stopJobs()
		jobs.Go(func() { g.maintainSessions(serving) })
		jobs.Go(func() { g.reloadOnSignals(serving) })
		if g.certs != nil {
			jobs.Go(func() { g.certs.Watch(serving) })
		}
		err = g.listen(ctx)
		stopJobs()
	}
	g.drain()
	return unlessStopped(ctx, err)
}

// auditLifecycle writes to the audit log that the gateway has started or stops.
func (g *gatehouse) auditLifecycle(ctx context.Context, action string) error {
	_, err := g.audit.Begin(ctx, audit.Gateway(),
		audit.Act{Action: action, Detail: "version " + g.Version})
	return err
}

// unlessStopped is err, but nil if err is only that ctx ended before the gateway had
// started.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen accepts clients until ctx ends. It returns an error if a listener fails.
func (g *gatehouse) listen(ctx context.Context) error {
	failed := make(chan error, 2)
	go func() { failed <- g.serveHTTP() }()
	if g.redirect != nil {
		g.Log.Info("redirecting HTTP to HTTPS", "redirect", g.redirect.Listener.Addr().String())
		go func() { failed <- g.redirect.Serve(g.connLimiter.Listener(g.redirect.Listener)) }()
	}
	g.printWelcome()
	g.Log.Info("listening", "address", g.listener.Addr().String(), "version", g.Version)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// drain stops the gateway: runs may finish, then all connections are closed.
func (g *gatehouse) drain() {
	drainTimeout := g.settings.Load().config.Gateway.DrainTimeout
	g.Log.Info("stopping", "drain_timeout", drainTimeout)
	const retryAfter = 2 * time.Second
	g.gateway.Drain(retryAfter)
	draining, done := context.WithTimeout(context.Background(), drainTimeout)
	g.runner.Stop(draining)
	done()
	closing, done := context.WithTimeout(context.Background(), closeTimeout)
	defer done()
	if g.redirect != nil {
		_ = g.redirect.Server.Close() // a redirect is not worth waiting for
	}
	if err := errors.Join(g.gateway.Shutdown(closing), g.http.Shutdown(closing)); err != nil {
		g.Log.Warn("some connections did not close in time and were cut off", "error", err)
	}
	g.hook.Stop()
	g.settings.Load().retire()
	if err := g.auditLifecycle(closing, audit.GatewayStopped); err != nil {
		g.Log.Warn("the stop is not in the audit log: it could not be written", "error", err)
	}
	g.Log.Info("stopped")
}
