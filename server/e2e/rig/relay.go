package rig

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Relay is the network between clients and a gateway. It can be cut, stalled and mended.
type Relay struct {
	Address string // host:port for clients

	target       string
	dropRequests atomic.Bool

	// mu guards the following fields.
	mu          sync.Mutex
	down        bool
	connections map[*relayedConnection]struct{}
}

// StartRelay starts a relay to an address. It ends with the test.
func StartRelay(t testing.TB, target string) *Relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Address: listener.Addr().String(), target: target,
		connections: map[*relayedConnection]struct{}{}}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			ended.Go(func() { r.carry(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.Cut()
		ended.Wait()
	})
	return r
}

// relayedConnection is one connection through a relay.
type relayedConnection struct {
	client, target net.Conn

	stalled atomic.Bool // bytes are dropped
}

// carry passes bytes on in both directions until one end or the relay closes.
func (r *Relay) carry(client net.Conn) {
	defer client.Close()
	target, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer target.Close()
	c := &relayedConnection{client: client, target: target}
	if !r.add(c) {
		return
	}
	defer r.remove(c)
	var both sync.WaitGroup
	both.Go(func() {
		c.copyBytes(target, client, func() bool { return c.stalled.Load() || r.dropRequests.Load() })
	})
	both.Go(func() { c.copyBytes(client, target, c.stalled.Load) })
	both.Wait()
}

// copyBytes passes bytes on, except while drop returns true. It closes both ends when one
// of them has ended.
func (c *relayedConnection) copyBytes(to io.Writer, from io.Reader, drop func() bool) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if drop() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (c *relayedConnection) close() {
	_ = c.client.Close()
	_ = c.target.Close()
}

func (r *Relay) add(c *relayedConnection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections[c] = struct{}{}
	return !r.down
}

func (r *Relay) remove(c *relayedConnection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.connections, c)
}

// Cut closes every connection, and new ones at once, until Mend.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for c := range r.connections {
		c.close()
	}
}

// Stall leaves every connection open and drops all bytes. New connections are closed at
// once, until Mend.
func (r *Relay) Stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for c := range r.connections {
		c.stalled.Store(true)
	}
}

// CutStalled closes the connections that Stall left open. Otherwise a browser would go on
// using them for pages.
func (r *Relay) CutStalled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.connections {
		if c.stalled.Load() {
			c.close()
		}
	}
}

// Mend lets new connections through again.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = false
}

// DropRequests drops what clients send from now on, and passes on what the gateway sends:
// so a client looks that does not answer pings.
func (r *Relay) DropRequests() { r.dropRequests.Store(true) }
