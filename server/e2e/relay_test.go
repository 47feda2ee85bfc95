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

// relay is the network between browsers and a gateway. It can be cut, stalled and mended.
type relay struct {
	listener net.Listener
	target   string

	// mu guards the following fields.
	mu          sync.Mutex
	down        bool
	connections map[*relayedConnection]struct{}
}

// startRelay starts a relay to the gateway, and makes browsers use it.
func startRelay(t *testing.T, g *gatehouse) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: g.Address,
		connections: map[*relayedConnection]struct{}{}}
	var ended sync.WaitGroup
	ended.Go(func() { r.serve(&ended) })
	t.Cleanup(func() {
		_ = listener.Close()
		r.cut()
		ended.Wait()
	})
	g.publicAddress = listener.Addr().String()
	return r
}

func (r *relay) serve(ended *sync.WaitGroup) {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		ended.Go(func() { r.carry(c) })
	}
}

// carry passes bytes on in both directions until one end or the relay closes.
func (r *relay) carry(browser net.Conn) {
	defer browser.Close()
	gateway, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer gateway.Close()
	connection := &relayedConnection{browser: browser, gateway: gateway}
	if !r.add(connection) {
		return
	}
	defer r.remove(connection)
	var both sync.WaitGroup
	both.Go(func() { connection.copyBytes(browser, gateway) })
	both.Go(func() { connection.copyBytes(gateway, browser) })
	both.Wait()
}

// relayedConnection is one connection through a relay.
type relayedConnection struct {
	browser, gateway net.Conn

	stalled atomic.Bool // bytes are dropped
}

func (c *relayedConnection) copyBytes(to io.Writer, from io.Reader) {
	defer c.cut()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if c.stalled.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (c *relayedConnection) cut() {
	_ = c.browser.Close()
	_ = c.gateway.Close()
}

func (r *relay) add(c *relayedConnection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections[c] = struct{}{}
	return !r.down
}

func (r *relay) remove(c *relayedConnection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.connections, c)
}

// cut closes every connection, and new ones at once, until mend.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for c := range r.connections {
		c.cut()
	}
}

// stall leaves every connection open and drops all bytes. New connections are closed at
// once, until mend.
func (r *relay) stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for c := range r.connections {
		c.stalled.Store(true)
	}
}

// cutStalled closes the connections that stall left open. Otherwise a browser would go on
// using them for pages.
func (r *relay) cutStalled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.connections {
		if c.stalled.Load() {
			c.cut()
		}
	}
}

func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = false
}

// goOffline takes the network from a tab, and tells it so; goOnline undoes that. Open
// sockets stay open: relay.cut closes them.
func (b *tab) goOffline() { b.t.Helper(); b.run("go offline", setNetwork(false)) }
func (b *tab) goOnline()  { b.t.Helper(); b.run("go online", setNetwork(true)) }

func setNetwork(up bool) chromedp.Action[chromedp.Void] {
	rules := []*network.Conditions{}
	if !up {
		rules = []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}
	}
	return chromedp.Steps(
		command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule,
			network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules}),
		command(network.OverrideNetworkState,
			network.OverrideNetworkStateParams{Offline: !up, DownloadThroughput: -1,
				UploadThroughput: -1}),
	)
}
