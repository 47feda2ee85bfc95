package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ConnLimiter limits the connections that are not WebSockets, or not yet: a client that
// opens many and sends its requests slowly, or never, cannot use up the connections of
// the others. It is safe for concurrent use.
type ConnLimiter struct {
	log      *slog.Logger
	metrics  *metrics.Metrics
	settings setting.Live[ConnLimiterSettings]
	lines    *ratelimit.Lines // log lines about refused connections
	files    rate.Sometimes   // log lines about too many open files

	// mu guards the following fields.
	mu        sync.Mutex
	open      map[net.Conn]*countedConn
	byNetwork map[netip.Prefix]int // number of open connections
}

// countedConn is what a ConnLimiter knows about an open connection.
type countedConn struct {
	address netip.Addr
	active  atomic.Bool // the client has sent something
	served  atomic.Bool // the client has sent a whole request
	refused bool        // the connection exceeds a limit
}

// linesPerMinute bounds the log lines that one address can cause.
const linesPerMinute = 6

// ConnLimiterOptions are what a ConnLimiter needs.
type ConnLimiterOptions struct {
	Log      *slog.Logger
	Metrics  *metrics.Metrics // counts the connections that were dropped
	Settings setting.Live[ConnLimiterSettings]
}

// ConnLimiterSettings are what the configuration says about connections.
type ConnLimiterSettings struct {
	// Limits are those of WebSockets: of either kind of connection there may be as
	// many.
	Limits registry.Limits
	// TrustedProxies are the networks of proxies, which connect for many users: a
	// proxy may have any number of connections.
	TrustedProxies []netip.Prefix
}

// NewConnLimiter makes a ConnLimiter without connections.
func NewConnLimiter(o ConnLimiterOptions) *ConnLimiter {
	return &ConnLimiter{
		log: o.Log, metrics: o.Metrics, settings: o.Settings,
		lines: ratelimit.NewLines(linesPerMinute), files: rate.Sometimes{Interval: 10 * time.Second},
		open: map[net.Conn]*countedConn{}, byNetwork: map[netip.Prefix]int{},
	}
}

// NewServer makes an HTTP server whose connections the limiter counts. Its timeouts and
// the size of headers are bounded.
func NewServer(handler http.Handler, limiter *ConnLimiter, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second,
		IdleTimeout:  2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	limiter.watch(server)
	return server
}

// watch makes the server report its connections to the limiter.
func (l *ConnLimiter) watch(server *http.Server) {
	type key struct{}
	next := server.Handler
	server.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(ctx, key{}, l.addConn(nc))
	}
	server.ConnState = l.connStateChanged
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(key{}).(*countedConn); ok {
			c.served.Store(true)
		}
		next.ServeHTTP(w, r)
	})
}

// Listener wraps a listener so that it logs when the process has too many open files to
// accept connections. The connections then wait in the kernel, and net/http logs nothing.
func (l *ConnLimiter) Listener(inner net.Listener) net.Listener { return listener{inner, l} }

type listener struct {
	net.Listener
	limiter *ConnLimiter
}

// Accept accepts a connection.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		l.limiter.metrics.HTTPDropped(metrics.DroppedFiles)
		l.limiter.files.Do(func() {
			l.limiter.log.Error("new connections have to wait: the gateway has too many open files; "+
				"raise the limit (ulimit -n), or lower gateway.max_connections", "error", err)
		})
	}
	return nc, err
}

// Len is the number of open connections.
func (l *ConnLimiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// addConn counts a connection, and refuses it if it exceeds a limit.
func (l *ConnLimiter) addConn(nc net.Conn) *countedConn {
	c := &countedConn{}
	if at, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		c.address = at.Addr().Unmap().WithZone("")
	}
	if why := l.add(nc, c); why != "" {
		l.refuse(nc, c, why)
	}
	return c
}

// add counts a connection, and says which limit it exceeds; empty: none.
func (l *ConnLimiter) add(nc net.Conn, c *countedConn) (why metrics.Drop) {
	settings := l.settings()
	limits, proxy := settings.Limits, inNetworks(settings.TrustedProxies, c.address)
	network := ratelimit.Network(c.address)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.open) >= limits.Connections:
		why = metrics.DroppedFull
	case l.byNetwork[network] >= limits.ConnectionsPerAddress && !proxy:
		why = metrics.DroppedAddress
	}
	c.refused = why != ""
	l.open[nc] = c
	l.byNetwork[network]++
	return why
}

// connStateChanged is the server's ConnState.
func (l *ConnLimiter) connStateChanged(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateHijacked:
		l.removeConn(nc)
	case http.StateClosed:
		if c := l.removeConn(nc); c != nil && !c.refused && !c.served.Load() {
			l.logUnserved(c)
		}
	case http.StateActive:
		l.mu.Lock()
		c := l.open[nc]
		l.mu.Unlock()
		if c != nil {
			c.active.Store(true)
		}
	}
}

// removeConn removes a connection; nil: it was removed already.
func (l *ConnLimiter) removeConn(nc net.Conn) *countedConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.open[nc]
	if c == nil {
		return nil
	}
	delete(l.open, nc)
	network := ratelimit.Network(c.address)
	if l.byNetwork[network]--; l.byNetwork[network] == 0 {
		delete(l.byNetwork, network)
	}
	return c
}

// logUnserved counts and logs a connection that ended without a whole request. net/http
// has answered what was wrong with the request, but does not log it.
func (l *ConnLimiter) logUnserved(c *countedConn) {
	if !c.active.Load() {
		l.metrics.HTTPDropped(metrics.DroppedSilent) // browsers open connections that they may not use
		return
	}
	l.metrics.HTTPDropped(metrics.DroppedRequest)
	if l.lines.Allow(c.address) {
		l.log.Info("http request refused", "address", c.address, "cause",
			"malformed, too large, or not sent in time")
	}
}

// refuse answers a connection that exceeds a limit, without waiting, and closes it.
func (l *ConnLimiter) refuse(nc net.Conn, c *countedConn, why metrics.Drop) {
	l.metrics.HTTPDropped(why)
	if l.lines.Allow(c.address) {
		l.log.Warn("security.connection_refused", "address", c.address, "limit", "gateway."+string(why))
	}
	if encrypted, ok := nc.(*tls.Conn); ok {
		nc = encrypted.NetConn() // before the TLS handshake there is no way to send an answer
	} else {
		// a new socket takes the answer at once
		_ = nc.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = nc.Write(fullResponse(why))
	}
	_ = nc.Close()
}

// fullResponse is the response on a connection that exceeds a limit.
func fullResponse(why metrics.Drop) []byte {
	status := http.StatusServiceUnavailable
	if why == metrics.DroppedAddress {
		status = http.StatusTooManyRequests
	}
	const wait = 10 * time.Second
	refusal := protocol.Exhausted("too many connections: close some of them, or try again later",
		wait.Milliseconds())
	body := append(refusal.AppendJSON([]byte(`{"error":`)), "}\n"...)
	return append([]byte("HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+
		"\r\nContent-Type: application/json\r\nConnection: close\r\n"+
		"Retry-After: "+strconv.Itoa(int(wait.Seconds()))+"\r\n"+
		"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
}
