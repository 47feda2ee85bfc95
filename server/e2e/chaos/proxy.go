package chaos

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// proxy is the network between the clients and a gateway. Each client has a route.
type proxy struct {
	counts     *counts
	scriptFor  scriptFor
	target     atomic.Pointer[string] // host:port of the gateway
	faulty     atomic.Bool            // connections made from now on have faults
	faultsOver chan struct{}          // closed when no more faults happen
	ended      sync.WaitGroup

	mu     sync.Mutex
	routes []*route
}

// scriptFor chooses the faults of a route's nth connection, counted from 0. narrow asks
// for small socket buffers.
type scriptFor func(route, connection int) (script []fault, narrow bool)

func newProxy(f scriptFor, c *counts) *proxy {
	return &proxy{scriptFor: f, counts: c, faultsOver: make(chan struct{})}
}

// setTarget sets the gateway's address for connections made from now on.
func (p *proxy) setTarget(address string) { p.target.Store(&address) }

// targetAddress returns the address that setTarget was given last.
func (p *proxy) targetAddress() string { return *p.target.Load() }

// startFaults lets faults happen. It ends the connections that exist: their scripts have
// none.
func (p *proxy) startFaults() {
	p.faulty.Store(true)
	for _, l := range p.allRoutes() {
		l.cutAll(false)
	}
}

// stopFaults ends all faults, for connections that exist and for later ones. Connections
// stay open.
func (p *proxy) stopFaults() { close(p.faultsOver) }

func (p *proxy) allRoutes() []*route {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.routes)
}

// route is the listener that one client connects to, with the client's connections.
type route struct {
	*proxy
	n            int
	listener     *net.TCPListener
	activeFaults atomic.Int64 // faults happening now
	faultsBegun  atomic.Int64 // faults that have begun

	mu     sync.Mutex
	links  map[*link]struct{}
	closed bool
}

// openRoute opens the route of client n.
func (p *proxy) openRoute(n int) (*route, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("route %d: %w", n, err)
	}
	l := &route{proxy: p, n: n, listener: listener, links: map[*link]struct{}{}}
	p.mu.Lock()
	p.routes = append(p.routes, l)
	p.mu.Unlock()
	p.ended.Go(l.serve)
	return l, nil
}

// close ends every route and waits until their goroutines have ended.
func (p *proxy) close() {
	for _, l := range p.allRoutes() {
		_ = l.listener.Close()
		l.cutAll(true)
	}
	p.ended.Wait()
}

func (l *route) address() string { return l.listener.Addr().String() }

// faultActive reports whether a fault is happening.
func (l *route) faultActive() bool { return l.activeFaults.Load() > 0 }

// cutAll ends all connections; closed says that the route takes no new ones.
func (l *route) cutAll(closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = closed
	for k := range l.links {
		abort(k.near)
		abort(k.far)
		k.end()
	}
}

func (l *route) serve() {
	for connection := 0; ; connection++ {
		near, err := l.listener.AcceptTCP()
		if err != nil {
			return
		}
		l.counts.connections.Add(1)
		l.ended.Go(func() { l.connect(near, connection) })
	}
}

// connect passes a client's connection on to the gateway.
func (l *route) connect(near *net.TCPConn, connection int) {
	far, err := l.dialGateway()
	if err != nil {
		l.counts.refusals.Add(1)
		abort(near)
		return
	}
	script, narrow := l.scriptFor(l.n, connection)
	if !l.faulty.Load() {
		script = nil
	}
	if narrow {
		_, _ = far.SetReadBuffer(4<<10), near.SetWriteBuffer(4<<10) // a hint to the system
	}
	k := newLink(l, near, far)
	if l.add(k) {
		k.run(script)
	}
	l.remove(k)
	abort(near)
	abort(far)
}

func (l *route) add(k *link) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[k] = struct{}{}
	return !l.closed
}

func (l *route) remove(k *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.links, k)
}

// dialGateway connects to the gateway from a loopback address of the route's own, since a
// gateway limits how often one address may call. On systems with a single loopback
// address it uses that one.
func (l *route) dialGateway() (*net.TCPConn, error) {
	target := l.target.Load()
	if target == nil {
		return nil, net.ErrClosed
	}
	own := net.Dialer{Timeout: 5 * time.Second,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+l.n%250))}}
	c, err := own.Dial("tcp", *target)
	if err != nil {
		plain := net.Dialer{Timeout: own.Timeout}
		if c, err = plain.Dial("tcp", *target); err != nil {
			return nil, err
		}
	}
	return c.(*net.TCPConn), nil
}
