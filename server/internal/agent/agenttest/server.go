package agenttest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
)

// Server is an HTTP server on in-memory connections. Unlike a server on sockets, it can
// live in a synctest bubble.
type Server struct {
	URL       string
	Transport *http.Transport
}

// NewServer starts a server. The server, its connections and its handlers end when t
// does. NewServer must be called in a bubble.
func NewServer(t *testing.T, handler http.HandlerFunc) *Server {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	var group sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		group.Add(1)
		defer group.Done()
		handler(w, r)
	})}
	group.Go(func() { _ = server.Serve(l) })
	transport := &http.Transport{DialContext: l.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		synctest.Wait() // every accepted request has reached its handler
		group.Wait()
	})
	return &Server{URL: "http://model.test", Transport: transport}
}

// Stream writes server-sent events and flushes after each. An event is given as its
// lines, without the empty line that ends it.
func Stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = fmt.Fprintf(w, "%s\n\n", e)
		_ = http.NewResponseController(w).Flush()
	}
}

type listener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
