package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options are the parts that a Gateway joins.
type Options struct {
	Log      *slog.Logger
	Version  string
	Token    auth.Token
	Pairing  bool // browsers may ask for pairing
	Sessions *session.Service
	Runner   *run.Runner
	Pairings *pairing.Service
	Hub      *hub.Hub
	Agents   []protocol.Agent // the default one first
	Ready    func(context.Context) error
}

// Gateway serves the WebSocket. It is safe for concurrent use.
type Gateway struct {
	Options
	set      *conn.Set
	started  time.Time
	draining atomic.Bool
	lastID   atomic.Int64
	stop     context.CancelFunc
	stopped  chan struct{}

	// Allowances of an address for what needs no credential.
	calls, polls, tokens *auth.Limiter
	lines                *auth.Limiter // log lines about refusals

	pendingMu sync.Mutex
	pending   map[string]map[*client]struct{} // by device id

	clientsMu sync.Mutex
	clients   map[*client]struct{}
}

// Allowances an address, each also its burst.
const (
	callsAMinute  = 60
	pollsAMinute  = 240
	tokensAMinute = 10
	linesAMinute  = 6
)

// New starts a Gateway. It runs goroutines until Shutdown.
func New(o Options) *Gateway {
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{
		Options: o, set: conn.NewSet(conn.Limits{}, o.Log), started: time.Now(),
		stop: stop, stopped: make(chan struct{}),
		calls:   auth.NewLimiter(callsAMinute, time.Minute),
		polls:   auth.NewLimiter(pollsAMinute, time.Minute),
		tokens:  auth.NewLimiter(tokensAMinute, time.Minute),
		lines:   auth.NewLimiter(linesAMinute, time.Minute),
		pending: map[string]map[*client]struct{}{},
		clients: map[*client]struct{}{},
	}
	go g.tick(ctx)
	return g
}

// Peer is what the HTTP side found out about whoever asks for a WebSocket.
type Peer struct {
	Address   netip.Addr
	UserAgent string // its first maxUserAgent bytes are kept
	Bearer    string // of the Authorization header; empty: none
	Cookie    string // the device credential; empty: none, or it does not count
}

// maxUserAgent bounds what of a User-Agent a connection holds, in bytes.
const maxUserAgent = 256

// Serve upgrades r; its origin was checked.
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, peer Peer) {
	if len(peer.UserAgent) > maxUserAgent {
		peer.UserAgent = strings.ToValidUTF8(strings.Clone(peer.UserAgent[:maxUserAgent]), "")
	}
	// The failure was answered and logged.
	_, _ = g.set.Accept(w, r, func(c *conn.Conn) conn.Handler {
		cl := &client{g: g, conn: c, peer: peer, id: g.lastID.Add(1), since: time.Now()}
		g.clientsMu.Lock()
		g.clients[cl] = struct{}{}
		g.clientsMu.Unlock()
		return cl
	})
}

// tick tells everybody, every protocol.TickInterval, that the gateway lives and
// how far their sessions are.
func (g *Gateway) tick(ctx context.Context) {
	defer close(g.stopped)
	t := time.NewTicker(protocol.TickInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			g.Hub.Tick()
			g.seeWaiting()
			for _, l := range []*auth.Limiter{g.calls, g.polls, g.tokens, g.lines} {
				l.Tidy()
			}
		}
	}
}

// Drain refuses new connections' calls that start runs, and tells everybody to
// come back after retryAfter.
func (g *Gateway) Drain(retryAfter time.Duration) {
	g.draining.Store(true)
	g.Hub.ToAll(protocol.EventShutdown, &protocol.Shutdown{RetryAfterMs: retryAfter.Milliseconds()})
}

// Draining reports whether Drain was called.
func (g *Gateway) Draining() bool { return g.draining.Load() }

// Shutdown closes every connection with 1001 and stops the Gateway's own
// goroutines. What has not ended when ctx does is cut off.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.stop()
	<-g.stopped
	err := g.set.Shutdown(ctx, protocol.CloseShutdown, protocol.ReasonShutdown)
	g.Hub.Wait() // nobody is there any more
	return err
}

// forget removes a connection that has ended.
func (g *Gateway) forget(c *client) {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	delete(g.clients, c)
}
