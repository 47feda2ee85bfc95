package e2e

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// line is the network between browsers and a gateway: it can be cut, stalled, and
// mended.
type line struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	down bool
	legs map[*leg]struct{}
}

// through lays a line to the gateway, which from now on is reached over it alone.
func through(t *testing.T, g *gatehouse) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: g.Address, legs: map[*leg]struct{}{}}
	var ended sync.WaitGroup
	ended.Go(func() { l.serve(&ended) })
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		ended.Wait()
	})
	g.front = listener.Addr().String()
	return l
}

func (l *line) serve(ended *sync.WaitGroup) {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		ended.Go(func() { l.carry(c) })
	}
}

// carry passes bytes on in both directions until one end or the line is gone.
func (l *line) carry(browser net.Conn) {
	defer browser.Close()
	gateway, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer gateway.Close()
	way := &leg{browser: browser, gateway: gateway}
	if !l.add(way) {
		return
	}
	defer l.remove(way)
	var both sync.WaitGroup
	both.Go(func() { way.copy(browser, gateway) })
	both.Go(func() { way.copy(gateway, browser) })
	both.Wait()
}

// leg is one connection over a line.
type leg struct {
	browser, gateway net.Conn

	deaf atomic.Bool // what comes in goes nowhere
}

func (w *leg) copy(to io.Writer, from io.Reader) {
	defer w.cut()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if w.deaf.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (w *leg) cut() {
	_ = w.browser.Close()
	_ = w.gateway.Close()
}

func (l *line) add(w *leg) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.legs[w] = struct{}{}
	return !l.down
}

func (l *line) remove(w *leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.legs, w)
}

// cut ends every connection, and new ones at once, until mend.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for w := range l.legs {
		w.cut()
	}
}

// stall leaves every connection open and carries nothing more over it; new ones
// end at once, until mend.
func (l *line) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for w := range l.legs {
		w.deaf.Store(true)
	}
}

// clear ends the connections that stall left open. A browser would use them for
// pages, as long as it takes.
func (l *line) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.legs {
		if w.deaf.Load() {
			w.cut()
		}
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// offline takes the network from a tab, and tells it so; online gives it back.
// Sockets that are open stay so: cutting them is a line's.
func (b *tab) offline() { b.t.Helper(); b.run("go offline", networkIs(false)) }
func (b *tab) online()  { b.t.Helper(); b.run("go online", networkIs(true)) }

func networkIs(up bool) chromedp.Action[chromedp.Void] {
	rules := []*network.Conditions{}
	if !up {
		rules = []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}
	}
	return chromedp.Steps(
		command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules}),
		command(network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !up, DownloadThroughput: -1, UploadThroughput: -1}),
	)
}
