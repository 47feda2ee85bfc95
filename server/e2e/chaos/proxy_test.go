package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peer is a gateway that keeps what it receives and sends it back.
type peer struct {
	listener net.Listener
	ended    chan error // gets how a connection ended, nil for a FIN

	mu       sync.Mutex
	received bytes.Buffer
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{listener: listener, ended: make(chan error, 10)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.ended <- p.echo(c) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return p
}

func (p *peer) echo(c net.Conn) error {
	defer c.Close()
	for chunk := make([]byte, 4<<10); ; {
		n, err := c.Read(chunk)
		p.mu.Lock()
		p.received.Write(chunk[:n])
		p.mu.Unlock()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			_, err = c.Write(chunk[:n])
		}
		if err != nil {
			return err
		}
	}
}

func (p *peer) receivedText() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received.String()
}

// connectThrough is a connection through a proxy, with these faults.
func connectThrough(t *testing.T, to *peer, faults ...fault) (*net.TCPConn, *proxy) {
	t.Helper()
	p := newProxy(func(int, int) ([]fault, bool) { return faults, false }, &counts{})
	t.Cleanup(p.close)
	p.setTarget(to.listener.Addr().String())
	p.startFaults()
	l, err := p.openRoute(0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), p
}

// awaitFault waits until a fault is happening on a link.
func (p *proxy) awaitFault() {
	for l := p.allRoutes()[0]; ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		for k := range l.links {
			if w, _ := k.up.currentMode(); w != (pumpMode{}) {
				l.mu.Unlock()
				return
			}
		}
		l.mu.Unlock()
	}
}

// write writes; the connection may have ended meanwhile.
func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}

const long = time.Hour

func TestProxyPassesEverything(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]fault{
		"calm":    nil,
		"lagging": {{kind: lag, dir: both, wait: time.Millisecond, lasts: long}},
		"split":   {{kind: split, dir: both, size: 3, lasts: long}},
		"stalled": {{kind: stall, dir: both, lasts: 20 * time.Millisecond},
			{kind: stall, dir: down, bytes: 100, after: long, lasts: 20 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			c, _ := connectThrough(t, p, faults...)
			text := bytes.Repeat([]byte("gatehouse "), 2000)
			go func() {
				_, _ = c.Write(text)
				_ = c.CloseWrite()
			}()
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes came back, %v; want %d", len(got), err, len(text))
			}
			if err := <-p.ended; err != nil {
				t.Errorf("the gateway saw the end as %v", err)
			}
		})
	}
}

func TestProxyEndsConnections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault fault
		near  error  // of a read by the client; nil: EOF
		rude  bool   // the gateway sees a reset
		heard string // by the gateway
	}{
		{"finished", fault{kind: cut, bytes: 10, after: long, end: closedByFIN}, nil,
			false, "0123456789"},
		{"reset", fault{kind: cut, bytes: 10, after: long, end: closedByRST}, syscall.ECONNRESET,
			true, "0123456789"},
		{"deaf", fault{kind: cut, bytes: 10, after: long, end: unnoticed,
			lasts: 50 * time.Millisecond}, syscall.ECONNRESET, true, "0123456789"},
		{"halved", fault{kind: halve, dir: up, part: 0.3, end: closedByFIN}, nil, false, "012"},
		{"halved and reset", fault{kind: halve, dir: up, part: 0, end: closedByRST},
			syscall.ECONNRESET, true, ""},
		{"a ghost", fault{kind: stall, dir: up, lasts: 30 * time.Millisecond, end: lateDelivery},
			syscall.ECONNRESET, false, "0123456789"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			c, proxy := connectThrough(t, p, tt.fault)
			if tt.fault.bytes == 0 {
				proxy.awaitFault()
			}
			write(t, c, "0123456789")
			_, err := io.ReadAll(c)
			if !errors.Is(err, tt.near) {
				t.Errorf("the client saw the end as %v, want %v", err, tt.near)
			}
			if err := <-p.ended; (err != nil) != tt.rude {
				t.Errorf("the gateway saw the end as %v", err)
			}
			if got := p.receivedText(); got != tt.heard {
				t.Errorf("the gateway heard %q, want %q", got, tt.heard)
			}
		})
	}
}

// TestLateDelivery checks that the client sees the end before the gateway gets what was
// sent.
func TestLateDelivery(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	c, proxy := connectThrough(t, p, fault{kind: stall, dir: up, lasts: 100 * time.Millisecond,
		end: lateDelivery})
	proxy.awaitFault()
	write(t, c, "hello")
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw the end as %v", err)
	}
	if got := p.receivedText(); got != "" {
		t.Errorf("the gateway had heard %q by then", got)
	}
	<-p.ended
	if got := p.receivedText(); got != "hello" {
		t.Errorf("the gateway heard %q in the end", got)
	}
}

func TestStopFaults(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	c, proxy := connectThrough(t, p, fault{kind: stall, dir: both, lasts: long, end: closedByRST})
	proxy.awaitFault()
	write(t, c, "hello")
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stalled connection gave %d bytes, %v", n, err)
	}
	proxy.stopFaults()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("after that it gave %q, %v", got, err)
	}
}

func TestNoGatewayNoConnection(t *testing.T) {
	t.Parallel()
	p := newProxy(func(int, int) ([]fault, bool) { return nil, false }, &counts{})
	defer p.close()
	l, err := p.openRoute(0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.address())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("without a gateway: %v", err)
	}
	if n := p.counts.refusals.Load(); n != 1 {
		t.Errorf("counted %d refusals", n)
	}
}

// TestSeedDecidesScripts checks that a seed can be repeated, and that another seed
// differs.
func TestSeedDecidesScripts(t *testing.T) {
	t.Parallel()
	h := Options{For: time.Minute}.faultRates()
	ends, same := map[ending]int{}, 0
	for connection := range 500 {
		a, _ := h.scriptFor(7)(3, connection)
		b, _ := h.scriptFor(7)(3, connection)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("connection %d has two fates: %+v and %+v", connection, a, b)
		}
		if c, _ := h.scriptFor(8)(3, connection); reflect.DeepEqual(a, c) {
			same++
		}
		last := a[len(a)-1]
		ends[last.end]++
		for _, f := range a[:len(a)-1] {
			if f.end != passes {
				t.Errorf("connection %d goes on after its end: %+v", connection, a)
			}
		}
	}
	if same > 0 {
		t.Errorf("%d connections fare the same under another seed", same)
	}
	for end := range unnoticed + 1 {
		if n := ends[end]; (n == 0) != (end == passes) {
			t.Errorf("%d of 500 connections end as %d", n, end)
		}
	}
}
