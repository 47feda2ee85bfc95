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

// Sockets bounds the connections that are no WebSockets, or none yet: whoever
// opens many, and sends their requests slowly or never, gets no more than others.
// It is safe for concurrent use.
type Sockets struct {
	log      *slog.Logger
	metrics  *metrics.Metrics
	settings setting.Live[SocketSettings]
	lines    *ratelimit.Lines
	files    rate.Sometimes // lines about too many of them

	mu        sync.Mutex
	open      map[net.Conn]*socket
	byNetwork map[netip.Prefix]int
}

// socket is a connection.
type socket struct {
	address netip.Addr
	began   atomic.Bool // something has come
	served  atomic.Bool // a whole request has come
	refused bool
}

// linesPerMinute is how many lines an address can have logged.
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

// NewSockets counts the connections of a gateway.
func NewSockets(o SocketOptions) *Sockets {
	return &Sockets{
		log: o.Log, metrics: o.Metrics, settings: o.Settings,
		lines: ratelimit.NewLines(linesPerMinute), files: rate.Sometimes{Interval: 10 * time.Second},
		open: map[net.Conn]*socket{}, byNetwork: map[netip.Prefix]int{},
	}
}

// NewServer makes the server of the gateway's own address. Whatever it waits for,
// and whatever it holds of a request before that is looked at, is bounded.
func NewServer(handler http.Handler, sockets *Sockets, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	sockets.watch(server)
	return server
}

// watch makes the server tell of its connections.
func (s *Sockets) watch(server *http.Server) {
	type key struct{}
	next := server.Handler
	server.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(ctx, key{}, s.enter(nc))
	}
	server.ConnState = s.changed
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if of, ok := r.Context().Value(key{}).(*socket); ok {
			of.served.Store(true)
		}
		next.ServeHTTP(w, r)
	})
}

// Listener is l, and tells when connections cannot be taken for want of file
// descriptors: those wait in the kernel, and net/http says so to nobody.
func (s *Sockets) Listener(l net.Listener) net.Listener { return listener{l, s} }

type listener struct {
	net.Listener
	sockets *Sockets
}

// Accept is the listener's own.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		l.sockets.metrics.HTTPDropped(metrics.DroppedFiles)
		l.sockets.files.Do(func() {
			l.sockets.log.Error("connections wait: there are too many open files; raise the limit (ulimit -n), or lower gateway.max_connections",
				"error", err)
		})
	}
	return nc, err
}

// Len is how many there are.
func (s *Sockets) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// enter counts a connection, and closes it if it is one too many.
func (s *Sockets) enter(nc net.Conn) *socket {
	of := &socket{}
	if at, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		of.address = at.Addr().Unmap().WithZone("")
	}
	if why := s.add(nc, of); why != "" {
		s.refuse(nc, of, why)
	}
	return of
}

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

// changed follows what http.Server says of a connection.
func (s *Sockets) changed(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateHijacked:
		s.leave(nc)
	case http.StateClosed:
		if of := s.leave(nc); of != nil && !of.refused && !of.served.Load() {
			s.unserved(of)
		}
	case http.StateActive:
		s.mu.Lock()
		of := s.open[nc]
		s.mu.Unlock()
		if of != nil {
			of.began.Store(true)
		}
	}
}

func (s *Sockets) leave(nc net.Conn) *socket {
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

// unserved tells of a connection that ended before it had sent a request: net/http
// has answered what was wrong with it, if it could, and says so to nobody else.
func (s *Sockets) unserved(of *socket) {
	if !of.began.Load() {
		s.metrics.HTTPDropped(metrics.DroppedSilent) // browsers open some to spare
		return
	}
	s.metrics.HTTPDropped(metrics.DroppedRequest)
	if s.lines.Allow(of.address) {
		s.log.Info("http request refused", "address", of.address, "cause", "malformed, too large, or not sent in time")
	}
}

// refuse answers, without waiting, and closes.
func (s *Sockets) refuse(nc net.Conn, of *socket, why metrics.Drop) {
	s.metrics.HTTPDropped(why)
	if s.lines.Allow(of.address) {
		s.log.Warn("security.connection_refused", "address", of.address, "limit", "gateway."+string(why))
	}
	if encrypted, ok := nc.(*tls.Conn); ok {
		nc = encrypted.NetConn() // there is no shared secret yet, and so no way to say why
	} else {
		_ = nc.SetDeadline(time.Now().Add(100 * time.Millisecond)) // a new socket takes this at once
		_, _ = nc.Write(crowded(why))
	}
	_ = nc.Close()
}

// crowded is the whole answer to somebody for whom there is no room.
func crowded(why metrics.Drop) []byte {
	status := http.StatusServiceUnavailable
	if why == metrics.DroppedAddress {
		status = http.StatusTooManyRequests
	}
	const wait = 10 * time.Second
	refusal := protocol.Exhausted("too many connections: close some of them, or try again later", wait.Milliseconds())
	body := append(refusal.AppendJSON([]byte(`{"error":`)), "}\n"...)
	return append([]byte("HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\nContent-Type: application/json\r\nConnection: close\r\n"+
		"Retry-After: "+strconv.Itoa(int(wait.Seconds()))+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
}
