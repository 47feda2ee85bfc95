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

// Sockets bounds the connections that are not WebSockets, or not yet, so that a client
// that opens many and sends its requests slowly, or never, cannot use them all up. It
// is safe for concurrent use.
type Sockets struct {
	log      *slog.Logger
	metrics  *metrics.Metrics
	settings setting.Live[SocketSettings]
	lines    *ratelimit.Lines // log lines about refused connections
	files    rate.Sometimes   // log lines about too many open files

	// mu guards the following fields.
	mu        sync.Mutex
	open      map[net.Conn]*socket
	byNetwork map[netip.Prefix]int // number of open connections
}

// socket is a connection.
type socket struct {
	address netip.Addr
	active  atomic.Bool // the client has sent something
	served  atomic.Bool // the client has sent a whole request
	refused bool        // it was one too many
}

// linesPerMinute bounds the log lines that one address can cause.
const linesPerMinute = 6

// SocketOptions are what Sockets need.
type SocketOptions struct {
	Log      *slog.Logger
	Metrics  *metrics.Metrics // counts the connections that were dropped
	Settings setting.Live[SocketSettings]
}

// SocketSettings are what the configuration says of connections.
type SocketSettings struct {
	// Limits are those of WebSockets. Of each kind of connection there may be as
	// many.
	Limits registry.Limits
	// TrustedProxies are the networks of proxies, which connect for many users: an
	// address of theirs may have any number of connections.
	TrustedProxies []netip.Prefix
}

// NewSockets makes Sockets without connections.
func NewSockets(o SocketOptions) *Sockets {
	return &Sockets{
		log: o.Log, metrics: o.Metrics, settings: o.Settings,
		lines: ratelimit.NewLines(linesPerMinute), files: rate.Sometimes{Interval: 10 * time.Second},
		open: map[net.Conn]*socket{}, byNetwork: map[netip.Prefix]int{},
	}
}

// NewServer makes an HTTP server whose connections count in sockets. All that it waits
// for, and the headers that it buffers, are bounded.
func NewServer(handler http.Handler, sockets *Sockets, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second,
		IdleTimeout:  2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	sockets.watch(server)
	return server
}

// watch makes the server report its connections to s.
func (s *Sockets) watch(server *http.Server) {
	type key struct{}
	next := server.Handler
	server.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(ctx, key{}, s.addConn(nc))
	}
	server.ConnState = s.connStateChanged
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if of, ok := r.Context().Value(key{}).(*socket); ok {
			of.served.Store(true)
		}
		next.ServeHTTP(w, r)
	})
}

// Listener wraps l so that it logs when the process has too many open files to accept
// connections. The connections then wait in the kernel, and net/http logs nothing.
func (s *Sockets) Listener(l net.Listener) net.Listener { return listener{l, s} }

type listener struct {
	net.Listener
	sockets *Sockets
}

// Accept accepts a connection.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		l.sockets.metrics.HTTPDropped(metrics.DroppedFiles)
		l.sockets.files.Do(func() {
			l.sockets.log.Error("new connections have to wait: the gateway has too many open files; "+
				"raise the limit (ulimit -n), or lower gateway.max_connections", "error", err)
		})
	}
	return nc, err
}

// Len is the number of open connections.
func (s *Sockets) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// addConn counts a connection, and closes it if it is one too many.
func (s *Sockets) addConn(nc net.Conn) *socket {
	of := &socket{}
	if at, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		of.address = at.Addr().Unmap().WithZone("")
	}
	if why := s.add(nc, of); why != "" {
		s.refuse(nc, of, why)
	}
	return of
}

// add counts a connection, and says which limit it exceeds, if any.
func (s *Sockets) add(nc net.Conn, of *socket) (why metrics.Drop) {
	settings := s.settings()
	limits, proxy := settings.Limits, inNetworks(settings.TrustedProxies, of.address)
	network := ratelimit.Network(of.address)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.open) >= limits.Connections:
		why = metrics.DroppedFull
	case s.byNetwork[network] >= limits.ConnectionsPerAddress && !proxy:
		why = metrics.DroppedAddress
	}
	of.refused = why != ""
	s.open[nc] = of
	s.byNetwork[network]++
	return why
}

// connStateChanged is the server's ConnState.
func (s *Sockets) connStateChanged(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateHijacked:
		s.removeConn(nc)
	case http.StateClosed:
		if of := s.removeConn(nc); of != nil && !of.refused && !of.served.Load() {
			s.logUnserved(of)
		}
	case http.StateActive:
		s.mu.Lock()
		of := s.open[nc]
		s.mu.Unlock()
		if of != nil {
			of.active.Store(true)
		}
	}
}

// removeConn removes a connection; nil: it was removed already.
func (s *Sockets) removeConn(nc net.Conn) *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.open[nc]
	if of == nil {
		return nil
	}
	delete(s.open, nc)
	network := ratelimit.Network(of.address)
	if s.byNetwork[network]--; s.byNetwork[network] == 0 {
		delete(s.byNetwork, network)
	}
	return of
}

// logUnserved counts and logs a connection that ended without a whole request. net/http
// has answered what was wrong with the request, but does not log it.
func (s *Sockets) logUnserved(of *socket) {
	if !of.active.Load() {
		s.metrics.HTTPDropped(metrics.DroppedSilent) // browsers open connections that they may not use
		return
	}
	s.metrics.HTTPDropped(metrics.DroppedRequest)
	if s.lines.Allow(of.address) {
		s.log.Info("http request refused", "address", of.address, "cause",
			"malformed, too large, or not sent in time")
	}
}

// refuse answers without waiting, and closes the connection.
func (s *Sockets) refuse(nc net.Conn, of *socket, why metrics.Drop) {
	s.metrics.HTTPDropped(why)
	if s.lines.Allow(of.address) {
		s.log.Warn("security.connection_refused", "address", of.address, "limit", "gateway."+string(why))
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

// fullResponse is the response on a connection that is one too many.
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
