package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options are the parts that a Gateway uses. All are required, except Metrics.
type Options struct {
	Log       *slog.Logger
	Version   string             // of the binary, as clients are told
	Access    *access.Control    // who may come in
	Registry  *registry.Registry // the live connections
	Sessions  *session.Service   // chats
	Runner    *run.Runner        // answers
	Pairings  *pairing.Service   // browsers that ask for access, and those that have it
	Keys      *auth.Keys         // API keys
	Audit     *audit.Service     // who did what
	Hub       *hub.Hub           // who follows which session
	Formatter *present.Formatter // of messages
	Settings  setting.Live[Settings]
	Metrics   *metrics.Metrics // nil: nobody reads the counts

	// Ready gives an error while the store cannot be used.
	Ready func(context.Context) error
	// Reload does config.reload.
	Reload func(context.Context) (protocol.ConfigReloadResult, error)
	// Detail adds to status what admins may know beyond the Gateway's own part.
	Detail func(context.Context, *protocol.StatusDetail)
}

// Gateway serves the WebSocket. It is safe for concurrent use.
type Gateway struct {
	Options
	set      *conn.Set
	started  time.Time
	draining atomic.Bool
	stop     context.CancelFunc
	stopped  chan struct{}

	apart sync.WaitGroup // the calls that run beside the readers of their connections

	presence presence      // of requesters of pairings
	failures *rate.Limiter // of log lines about failed requests, see logFailure
	leftOut  atomic.Int64  // lines over that limit since the last line
}

// New starts a Gateway. It runs goroutines until Shutdown.
func New(o Options) *Gateway {
	if o.Metrics == nil {
		o.Metrics = metrics.New()
	}
	declareRequests(o.Metrics)
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{
		Options: o, set: conn.NewSet(conn.Limits{}, o.Log), started: time.Now(),
		stop: stop, stopped: make(chan struct{}),
		failures: rate.NewLimiter(rate.Every(time.Minute/failureLines), failureLines),
	}
	g.presence.g = g
	go g.tick(ctx)
	return g
}

// declareRequests makes the counters of all methods and codes exist, with 0.
func declareRequests(m *metrics.Metrics) {
	codes := []string{metrics.OK}
	for _, c := range protocol.Codes() {
		codes = append(codes, string(c))
	}
	for _, method := range methods {
		m.DeclareRequests(method.Name, codes...)
	}
	m.DeclareRequests(metrics.Unknown, codes[1:]...)
}

// maxUserAgent bounds the part of a User-Agent that is kept, in bytes.
const maxUserAgent = 256

// Serve upgrades r, whose origin the caller has checked. If there are too many
// connections, it returns a *registry.Full, and the caller must answer r. It answers and
// logs any other failure itself.
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, peer access.Peer) error {
	if len(peer.UserAgent) > maxUserAgent {
		peer.UserAgent = strings.ToValidUTF8(strings.Clone(peer.UserAgent[:maxUserAgent]), "")
	}
	reserved, err := g.Registry.Reserve(peer, g.Settings().Limits)
	if err != nil {
		if full := new(registry.Full); errors.As(err, &full) {
			g.Access.ConnectionRefused(peer.Address, full.Cause)
		}
		return err
	}
	opened := false
	_, err = g.set.Accept(w, r, func(c *conn.Conn) conn.Handler {
		opened = true
		g.Registry.Open(reserved, c)
		g.Metrics.ConnectionOpened()
		return newClient(g, reserved, c)
	})
	if !opened { // otherwise client.Closed removes the connection
		g.Registry.Remove(reserved)
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

// tick runs every protocol.TickInterval: it sends ticks, notes which pairings and keys
// are in use, closes connections of expired keys, and evicts unused rate limits.
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
			g.touchPairings()
			g.touchKeys()
			g.Access.Evict()
		}
	}
}

// touchPairings marks the pairings that connections wait for as seen, also if the clients
// send nothing: a request for pairing that is not seen makes way for others.
func (g *Gateway) touchPairings() {
	for _, deviceID := range g.Registry.Pairings() {
		g.Pairings.Seen(deviceID)
	}
}

// touchKeys closes the connections of expired API keys, and marks the keys of the others
// as used.
func (g *Gateway) touchKeys() {
	now := protocol.At(time.Now())
	g.Registry.CloseExpired(now, protocol.ReasonKeyExpired)
	for _, id := range g.Registry.KeysInUse(now) {
		g.Keys.Used(id)
	}
}

// Shutdown closes all connections with 1001 and stops the Gateway's own goroutines. If ctx
// ends first, it cuts off the remaining connections.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.stop()
	<-g.stopped
	g.presence.stop()
	err := g.set.Shutdown(ctx, protocol.CloseShutdown, protocol.ReasonShutdown)
	g.Hub.Wait() // all members have left
	g.apart.Wait()
	return err
}
