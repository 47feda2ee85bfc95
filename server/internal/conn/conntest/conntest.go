// Package conntest serves HTTP and WebSockets in memory, for tests that run in
// a testing/synctest bubble: a real http.Server and real clients, joined by
// net.Pipe instead of sockets, so that time is the bubble's. A pipe buffers
// nothing: what a client does not read stays with the server.
package conntest

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// Server is an HTTP server in memory.
type Server struct {
	client   *http.Client
	listener *listener
}

// Serve serves h until the test ends. WebSockets are h's to end: in a bubble,
// before the test function returns.
func Serve(t testing.TB, h http.Handler) *Server {
	t.Helper()
	return Start(t, &http.Server{Handler: h})
}

// Start is Serve for a server with settings of its own.
func Start(t testing.TB, server *http.Server) *Server {
	t.Helper()
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) },
	}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return &Server{client, l}
}

// Client returns a client all of whose requests go to the server, whatever the host.
func (s *Server) Client() *http.Client {
	return s.client
}

// URL returns the address of a path under which Client and Dial reach the server.
func (s *Server) URL(path string) string {
	return "http://gatehouse.test" + path
}

// Dial opens a WebSocket. Like any client of that library it answers pings only
// while it reads. It is closed when the test ends.
func (s *Server) Dial(t testing.TB, path string, header http.Header) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), s.URL(path), &websocket.DialOptions{HTTPClient: s.client, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// Pipe opens a bare connection, for tests that write HTTP and frames themselves.
// It is closed when the test ends.
func (s *Server) Pipe(t testing.TB) net.Conn {
	t.Helper()
	nc, err := s.listener.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// listener hands out the server's end of each pipe.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	port   atomic.Uint32
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000 + int(l.port.Add(1))%20000}
	select {
	case l.conns <- &pipe{far, l.Addr(), addr}:
		return &pipe{near, addr, l.Addr()}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close is called once, by the http.Server.
func (l *listener) Close() error {
	close(l.closed)
	return nil
}

func (l *listener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
}

// pipe is one end of a net.Pipe with addresses as TCP has them.
type pipe struct {
	net.Conn
	local, remote net.Addr
}

func (p *pipe) LocalAddr() net.Addr  { return p.local }
func (p *pipe) RemoteAddr() net.Addr { return p.remote }
