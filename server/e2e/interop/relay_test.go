package interop

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay is a network between a client and the gateway. With dropsRequests, it drops what
// the client sends and passes on what the gateway sends: so a client looks that does not
// answer pings.
type relay struct {
	address       string
	dropsRequests atomic.Bool

	// mu guards the following field.
	mu       sync.Mutex
	gateways []net.Conn // connections to the gateway
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String()}
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { r.run(t, c, to) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		busy.Wait()
	})
	return r
}

// cut ends all connections without a close frame.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.gateways {
		_ = c.Close()
	}
}

// run passes bytes on in both directions until the gateway's side has ended.
func (r *relay) run(t testing.TB, client net.Conn, to string) {
	defer client.Close()
	gateway, err := net.Dial("tcp", to)
	if err != nil {
		t.Errorf("relay: %v", err)
		return
	}
	defer gateway.Close()
	r.mu.Lock()
	r.gateways = append(r.gateways, gateway)
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(client, gateway)
		_ = client.Close()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if r.dropsRequests.Load() {
			continue
		}
		if _, err := gateway.Write(buf[:n]); err != nil {
			return
		}
	}
}
