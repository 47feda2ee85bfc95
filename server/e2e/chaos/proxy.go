package chaos

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// proxy is the network between clients and a gateway: a line for each client.
type proxy struct {
	counts *counts
	fate   fate
	target atomic.Pointer[string] // host:port of the gateway
	stormy atomic.Bool            // links begun now suffer
	calm   chan struct{}          // closed when nothing goes wrong any more
	ended  sync.WaitGroup

	mu    sync.Mutex
	lines []*line
}

// fate says what happens to a line's nth connection, counted from 0.
type fate func(line, connection int) (script []fault, narrow bool)

func newProxy(f fate, c *counts) *proxy {
	return &proxy{fate: f, counts: c, calm: make(chan struct{})}
}

// aim leads connections to the gateway at that address from now on.
func (p *proxy) aim(address string) { p.target.Store(&address) }

// gateway is where aim leads.
func (p *proxy) gateway() string { return *p.target.Load() }

// storm lets faults begin: those of the connections that are there, and of later
// ones.
func (p *proxy) storm() {
	p.stormy.Store(true)
	for _, l := range p.all() {
		l.cutAll(false)
	}
}

// quiet ends all faults, now and for later connections. What is there goes on.
func (p *proxy) quiet() { close(p.calm) }

func (p *proxy) all() []*line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// line is what one client dials.
type line struct {
	*proxy
	n        int
	listener *net.TCPListener
	troubles atomic.Int64 // faults under way
	begun    atomic.Int64 // faults that have begun

	mu    sync.Mutex
	links map[*link]struct{}
	shut  bool
}

// open makes line n.
func (p *proxy) open(n int) (*line, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", n, err)
	}
	l := &line{proxy: p, n: n, listener: listener, links: map[*link]struct{}{}}
	p.mu.Lock()
	p.lines = append(p.lines, l)
	p.mu.Unlock()
	p.ended.Go(l.serve)
	return l, nil
}

// close ends every line and waits until nothing of them is left.
func (p *proxy) close() {
	for _, l := range p.all() {
		_ = l.listener.Close()
		l.cutAll(true)
	}
	p.ended.Wait()
}

func (l *line) address() string { return l.listener.Addr().String() }

// troubled reports whether a fault is under way.
func (l *line) troubled() bool { return l.troubles.Load() > 0 }

// cutAll ends all connections, for good or for now.
func (l *line) cutAll(shut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = shut
	for k := range l.links {
		abort(k.near)
		abort(k.far)
		k.end()
	}
}

func (l *line) serve() {
	for connection := 0; ; connection++ {
		near, err := l.listener.AcceptTCP()
		if err != nil {
			return
		}
		l.counts.connections.Add(1)
		l.ended.Go(func() { l.connect(near, connection) })
	}
}

// connect leads a client's connection to the gateway.
func (l *line) connect(near *net.TCPConn, connection int) {
	far, err := l.dial()
	if err != nil {
		l.counts.refusals.Add(1)
		abort(near)
		return
	}
	script, narrow := l.fate(l.n, connection)
	if !l.stormy.Load() {
		script = nil
	}
	if narrow {
		_, _ = far.SetReadBuffer(4<<10), near.SetWriteBuffer(4<<10) // as the system likes
	}
	k := newLink(l, near, far)
	if l.add(k) {
		k.carry(script)
	}
	l.remove(k)
	abort(near)
	abort(far)
}

func (l *line) add(k *link) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[k] = struct{}{}
	return !l.shut
}

func (l *line) remove(k *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.links, k)
}

// dial reaches the gateway from an address of the line's own, since a gateway
// limits how often one address may call. Systems with a single loopback address
// use that.
func (l *line) dial() (*net.TCPConn, error) {
	target := l.target.Load()
	if target == nil {
		return nil, net.ErrClosed
	}
	own := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+l.n%250))}}
	c, err := own.Dial("tcp", *target)
	if err != nil {
		plain := net.Dialer{Timeout: own.Timeout}
		if c, err = plain.Dial("tcp", *target); err != nil {
			return nil, err
		}
	}
	return c.(*net.TCPConn), nil
}
