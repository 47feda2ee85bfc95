// Package httpdtest builds a gateway of its real parts, with SQLite in a temporary
// directory, for tests that speak HTTP or the protocol to it. It also works in a
// testing/synctest bubble.
package httpdtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/builtin"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
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
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/static"
)

// Token is the gateway token.
const Token = "gt_a-token-for-tests-0123456789"

// Machine is the name of the machine on which the gateway runs.
const Machine = "Keeper.Example"

// Limits of files, in bytes.
const (
	MaxFile = 1 << 20
	Quota   = 5 << 20
)

// Options are the differences to a gateway with an empty configuration.
type Options struct {
	AllowedOrigins []string
	TrustedProxies []netip.Prefix
	PublicURL      string
	// Hosts are the gateway's host names; nil: "gate.example", which tests use.
	Hosts []string
	// Certified reports whether the gateway's certificate is valid for a host; nil: it
	// has none.
	Certified func(host string) bool
	NoPairing bool
	Token     string // the gateway token; empty: Token
	// Limits gives the current limits of connections. A zero field, or nil, means the
	// configuration's default.
	Limits func() registry.Limits
	// RateLimitRPM gives the current limit of a user's requests a minute; nil: no limit.
	RateLimitRPM func() int
	// Agents are further agents, by name. The default agent, "default", is the demo
	// agent, ten times as fast as usual.
	Agents map[string]agent.Agent
	// Audit, if set, wraps the audit log's store.
	Audit func(audit.Store) audit.Store
	// Reload is config.reload; nil changes nothing.
	Reload func(context.Context) (protocol.ConfigReloadResult, error)
	// Pairings, if set, wraps the pairings' store.
	Pairings func(pairing.Store) pairing.Store
	// Keys, if set, wraps the API keys' store.
	Keys func(auth.KeyStore) auth.KeyStore
}

func (o *Options) limits() registry.Limits {
	var l registry.Limits
	if o.Limits != nil {
		l = o.Limits()
	}
	return registry.Limits{
		Connections:           cmp.Or(l.Connections, 10_000),
		ConnectionsPerUser:    cmp.Or(l.ConnectionsPerUser, 50),
		ConnectionsPerAddress: cmp.Or(l.ConnectionsPerAddress, 250),
		PendingConnections:    cmp.Or(l.PendingConnections, 1000),
	}
}

func (o *Options) hosts() []string {
	if o.Hosts == nil {
		return []string{"gate.example"}
	}
	return o.Hosts
}

func (o *Options) rateLimitRPM() int {
	if o.RateLimitRPM == nil {
		return 0
	}
	return o.RateLimitRPM()
}

// Server is a gateway that runs until the test ends, as an http.Handler.
type Server struct {
	http.Handler
	Gateway   *gateway.Gateway
	Registry  *registry.Registry
	Metrics   *metrics.Metrics
	Limits    func() registry.Limits
	Sessions  *session.Service
	Formatter *present.Formatter
	Pairings  *pairing.Service
	Media     *media.Service
	Keys      *auth.Keys
	Audit     *audit.Service
	Links     *auth.Links
	Store     *sqlite.Store
	Assets    *static.Assets
	Log       *Log
}

// notifier passes the events of pairings on. Its field is set before the first one.
type notifier struct{ *gateway.Gateway }

// New builds a gateway.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	log := &Log{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	assets, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	agents, list := agents(t, o.Agents)
	notify := &notifier{}
	token := auth.NewToken(cmp.Or(o.Token, Token))
	h := &Server{
		Links: new(auth.Links), Store: store, Assets: assets, Log: log, Registry: registry.New(),
		Metrics: metrics.New(), Limits: o.limits, Formatter: present.NewFormatter(),
	}
	events := hub.New(h.Formatter)
	devices := store.Pairings()
	if o.Pairings != nil {
		devices = o.Pairings(devices)
	}
	h.Pairings = pairing.New(devices, pairing.Options{
		Notifier: notify, Binding: token.Fingerprint, Waiting: h.Registry.Pairings,
		Settings: setting.Fixed(pairing.Settings{MaxPending: 1000}),
	})
	keys := store.Keys()
	if o.Keys != nil {
		keys = o.Keys(keys)
	}
	h.Keys = auth.NewKeys(keys)
	lines := store.Audit()
	if o.Audit != nil {
		lines = o.Audit(lines)
	}
	h.Audit = audit.New(lines, audit.Options{Log: logger,
		Written: func() { events.NotifyAdmins(protocol.TopicAudit) }})
	h.Sessions = session.New(store.Sessions(), events, setting.Fixed(session.Settings{}))
	files, err := media.New(t.TempDir(), store.Media(),
		setting.Fixed(media.Settings{MaxBytes: MaxFile, Quota: Quota}))
	if err != nil {
		t.Fatal(err)
	}
	files.PDFText = pdfText
	h.Media = files
	runner := run.New(h.Sessions, h.Media, setting.Fixed(run.Settings{Agents: agents}), logger)
	control := access.New(access.Options{
		Log: logger, Metrics: h.Metrics, Token: token, Keys: h.Keys, Devices: h.Pairings, Links: h.Links,
		Guesses: h.Audit,
	})
	h.Gateway = gateway.New(gateway.Options{
		Log: logger, Version: "test", Access: control, Registry: h.Registry, Metrics: h.Metrics,
		Sessions: h.Sessions, Formatter: h.Formatter, Runner: runner,
		Settings: func() gateway.Settings {
			return gateway.Settings{Pairing: !o.NoPairing, Agents: list, RateLimitRPM: o.rateLimitRPM(),
				Limits: o.limits()}
		},
		Pairings: h.Pairings, Keys: h.Keys, Audit: h.Audit, Hub: events, Ready: store.Ping,
		Detail: func(_ context.Context, d *protocol.StatusDetail) { d.TLS = "off" },
		Reload: func(ctx context.Context) (protocol.ConfigReloadResult, error) {
			if o.Reload == nil {
				return protocol.ConfigReloadResult{}, nil
			}
			return o.Reload(ctx)
		},
	})
	notify.Gateway = h.Gateway
	h.Metrics.Watch(metrics.Sources{Connections: h.Registry.Counts, Runs: runner.Running,
		Replayed: events.Replayed})
	h.Handler = httpd.New(httpd.Options{
		Log: logger, Metrics: h.Metrics, Identities: control, SignIns: control, Gateway: h.Gateway,
		Refusals:    h.Gateway,
		Connections: h.Registry, Keys: h.Keys, Audit: h.Audit, Sessions: h.Sessions, Formatter: h.Formatter, Pairings: h.Pairings,
		Media: h.Media, Assets: assets,
		Instance: store.InstanceID(), Ready: store.Ping,
		Settings: func() httpd.Settings {
			return httpd.Settings{
				Agents: list, AllowedOrigins: o.AllowedOrigins, TrustedProxies: o.TrustedProxies,
				PublicURL: o.PublicURL, Hosts: o.hosts(), RateLimitRPM: o.rateLimitRPM(),
			}
		},
		Hosts: httpd.Hosts{Machine: Machine, Certified: o.Certified},
	})
	t.Cleanup(func() {
		at, cancel := context.WithCancel(context.Background())
		cancel() // at once
		runner.Stop(at)
		_ = h.Gateway.Shutdown(at)
		if err := files.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// wordsPerSecond is the speed of the demo agent.
const wordsPerSecond = 10 * builtin.DefaultWordsPerSecond

func agents(t testing.TB, more map[string]agent.Agent) (map[string]run.Agent, []protocol.Agent) {
	t.Helper()
	demo, err := builtin.New(builtin.Config{WordsPerSecond: wordsPerSecond})
	if err != nil {
		t.Fatal(err)
	}
	const history = 40
	all := map[string]run.Agent{"default": {Agent: demo, HistoryMessages: history}}
	list := []protocol.Agent{{ID: "default", Name: "Demo", Provider: "builtin", Default: true}}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		all[name] = run.Agent{Agent: more[name], HistoryMessages: history}
		list = append(list, protocol.Agent{ID: name, Name: name, Provider: "builtin"})
	}
	return all, list
}

// Sweep runs the maintenance that the gateway runs once a minute.
func (h *Server) Sweep(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(h.Pairings.Sweep(ctx), h.Keys.Sweep(ctx), h.Audit.Sweep(ctx)); err != nil {
		t.Error(err)
	}
}

// Log is the gateway's log, as text.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Forget empties the log.
func (l *Log) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// String gives the whole log.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// pdfText stands for the process that reads PDFs: it finds text where an operator of an
// uncompressed page shows one.
func pdfText(_ context.Context, file *os.File) (string, error) {
	data, err := io.ReadAll(file)
	_, text, _ := strings.Cut(string(data), "(")
	text, _, found := strings.Cut(text, ") Tj")
	if !found {
		return "", err
	}
	return text, err
}
