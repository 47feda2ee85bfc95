package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
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
	Sessions *session.Service
	Runner   *run.Runner
	Pairings *pairing.Service
	Keys     *auth.Keys
	Audit    *audit.Service
	Hub      *hub.Hub
	Live     func() *Live // what holds now; safe for concurrent use
	Ready    func(context.Context) error
	Metrics  *metrics.Metrics // nil: counts for nobody
	// Reload is config.reload, and Detail what admins are told of the house by
	// status; it adds to what the Gateway knows.
	Reload func(context.Context) (protocol.ConfigReloadResult, error)
	Detail func(context.Context, *protocol.StatusDetail)
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
	lines                *auth.Lines   // about refusals
	failures             *rate.Limiter // log lines about our own failures
	unsaid               atomic.Int64  // those that were left out

	buckets *buckets // allowances of users
	seats   *seats

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
	if o.Metrics == nil {
		o.Metrics = metrics.New()
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{
		Options: o, set: conn.NewSet(conn.Limits{}, o.Log), started: time.Now(),
		stop: stop, stopped: make(chan struct{}),
		calls:  auth.NewLimiter(callsAMinute, time.Minute),
		polls:  auth.NewLimiter(pollsAMinute, time.Minute),
		tokens: auth.NewLimiter(tokensAMinute, time.Minute),
		lines:  auth.NewLines(linesAMinute),

		failures: rate.NewLimiter(rate.Every(time.Minute/failureLines), failureLines),

		buckets: newBuckets(),
		seats:   newSeats(),
		pending: map[string]map[*client]struct{}{},
		clients: map[*client]struct{}{},
	}
	go g.tick(ctx)
	return g
}

// Peer is what the HTTP side found out about whoever asks for a WebSocket.
type Peer struct {
	Address    netip.Addr
	UserAgent  string // its first maxUserAgent bytes are kept
	Authorized bool   // there is an Authorization header for us: no credential after it counts
	Bearer     string // its token; empty: none, or one that is no good
	Cookie     string // the device credential; empty: none, or it does not count
	Proxy      bool   // Address is a trusted proxy's own, which may have any number of connections
}

// maxUserAgent bounds what of a User-Agent a connection holds, in bytes.
const maxUserAgent = 256

// Serve upgrades r; its origin was checked. It returns a *Full, with r
// unanswered, where no further connection is taken. Any other failure was
// answered and logged.
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, peer Peer) error {
	place, err := g.takeSeat(peer)
	if err != nil {
		return err
	}
	if len(peer.UserAgent) > maxUserAgent {
		peer.UserAgent = strings.ToValidUTF8(strings.Clone(peer.UserAgent[:maxUserAgent]), "")
	}
	opened := false
	_, err = g.set.Accept(w, r, func(c *conn.Conn) conn.Handler {
		opened = true
		g.seats.open(place, c)
		cl := &client{g: g, conn: c, peer: peer, place: place, id: g.lastID.Add(1), since: time.Now()}
		g.clientsMu.Lock()
		g.clients[cl] = struct{}{}
		g.clientsMu.Unlock()
		g.Metrics.ConnectionOpened()
		return cl
	})
	if !opened { // or the client gives it back when it ends
		g.seats.giveBack(place)
		g.Metrics.UpgradeRefused(refusalOf(err))
	}
	return nil
}

func refusalOf(err error) metrics.Refusal {
	if errors.Is(err, conn.ErrShutDown) {
		return metrics.RefusedStopping
	}
	return metrics.RefusedHandshake
}

// takeSeat finds room for a connection, if need be at the cost of another that
// has not authenticated.
func (g *Gateway) takeSeat(peer Peer) (*seat, error) {
	place, displaced, full := g.seats.take(peer, g.Limits())
	if displaced != nil {
		displaced.Close(protocol.CloseTooSlow, "too many connections wait to be authenticated: try again")
	}
	if full == nil {
		return place, nil
	}
	g.Metrics.UpgradeRefused(full.Cause)
	g.logFull(peer.Address, full.Cause)
	return nil, full
}

// logFull logs that a connection was refused for want of room.
func (g *Gateway) logFull(address netip.Addr, cause metrics.Refusal) {
	if _, ok := g.lines.Take(address); ok {
		g.Log.Warn("security.connection_refused", "address", address, "limit", "gateway."+string(cause))
	}
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
			g.seeKeys()
			for _, l := range []*auth.Limiter{g.calls, g.polls, g.tokens, g.lines.Limiter} {
				l.Tidy()
			}
			g.buckets.tidy()
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
	delete(g.clients, c)
	g.clientsMu.Unlock()
	g.seats.giveBack(c.place)
}
