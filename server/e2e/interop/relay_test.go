package interop

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay is a network between a client and the gateway. Once it is deaf, what the
// client says is lost, while it still hears the gateway: how a connection looks
// whose client does not answer.
type relay struct {
	address string
	deaf    atomic.Bool

	mu   sync.Mutex
	ways []net.Conn // to the gateway
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
			busy.Go(func() { r.join(t, c, to) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		busy.Wait()
	})
	return r
}

// cut ends all connections without a word.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.ways {
		_ = c.Close()
	}
}

// join passes on what both sides say until the gateway has ended.
func (r *relay) join(t testing.TB, client net.Conn, to string) {
	defer client.Close()
	gateway, err := net.Dial("tcp", to)
	if err != nil {
		t.Errorf("relay: %v", err)
		return
	}
	defer gateway.Close()
	r.mu.Lock()
	r.ways = append(r.ways, gateway)
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
		if r.deaf.Load() {
			continue
		}
		if _, err := gateway.Write(buf[:n]); err != nil {
			return
		}
	}
}
