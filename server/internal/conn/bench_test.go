package conn

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// The benchmarks compare this package with the usual design on the same library: for
// each connection a reader and a writer goroutine, a ticker and a channel of 256.

// peer is a connection of either design.
type peer interface{ send(Prepared, []byte) }

type design struct {
	handler func(b *testing.B, joined chan<- peer) http.Handler
}

func designs() map[string]design {
	return map[string]design{"lean": {leanHandler}, "classic": {classicHandler}}
}

type leanPeer struct{ c *Conn }

func (p leanPeer) send(f Prepared, _ []byte) { p.c.Send(f) }

type echo struct{}

func (echo) Frame(c *Conn, data []byte) { c.SendBytes(data) }
func (echo) Binary(*Conn)               {}
func (echo) Closed(*Conn, Closing)      {}

func leanHandler(b *testing.B, joined chan<- peer) http.Handler {
	set := NewSet(Limits{Hello: time.Hour}, slog.New(slog.DiscardHandler))
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = set.Shutdown(ctx, websocket.StatusGoingAway, "")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := set.Accept(w, r, func(*Conn) Handler { return echo{} })
		if err == nil {
			joined <- leanPeer{c}
		}
	})
}

type classicPeer struct{ out chan []byte }

func (p classicPeer) send(_ Prepared, payload []byte) { p.out <- payload }

func classicHandler(b *testing.B, joined chan<- peer) http.Handler {
	ctx, cancel := context.WithCancel(context.Background())
	var pumps sync.WaitGroup
	b.Cleanup(func() { cancel(); pumps.Wait() })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		p := classicPeer{make(chan []byte, 256)}
		pumps.Go(func() {
			ping := time.NewTicker(30 * time.Second)
			defer ping.Stop()
			for {
				select {
				case data := <-p.out:
					if ws.Write(ctx, websocket.MessageText, data) != nil {
						return
					}
				case <-ping.C:
					if ws.Ping(ctx) != nil {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		})
		joined <- p
		for {
			_, data, err := ws.Read(ctx)
			if err != nil {
				return
			}
			p.out <- data
		}
	})
}

// serveBench listens at once, so that clients can connect, but serves only when serve
// is called: then the clients' memory is not counted.
func serveBench(b *testing.B, h http.Handler) (addr string, serve func()) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	b.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String(), func() { go func() { _ = srv.Serve(l) }() }
}

func dialBench(b *testing.B, addr string, n int) []net.Conn {
	b.Helper()
	clients := make([]net.Conn, n)
	for i := range clients {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = nc.Close() })
		clients[i] = nc
	}
	return clients
}

// BenchmarkIdle reports the memory of an idle connection that has exchanged one
// message: the process's heap and stacks, without the clients'.
func BenchmarkIdle(b *testing.B) {
	const n = 2000
	for name, d := range designs() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				joined := make(chan peer, n)
				addr, serve := serveBench(b, d.handler(b, joined))
				clients := dialBench(b, addr, n)
				heap, stack := memory()
				goroutines := runtime.NumGoroutine()
				serve()
				for _, nc := range clients {
					handshake(b, nc, clientFrame(finText, []byte("hello")))
					if _, _, err := readFrame(nc); err != nil {
						b.Fatal(err)
					}
				}
				heap2, stack2 := memory()
				b.ReportMetric((heap2-heap)/n, "heapB/conn")
				b.ReportMetric((stack2-stack)/n, "stackB/conn")
				b.ReportMetric((heap2-heap+stack2-stack)/n, "B/conn")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/conn")
				for range n {
					<-joined
				}
			}
		})
	}
}

// memory is the bytes in use after garbage collections, which also shrink stacks.
func memory() (heap, stack float64) {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}

func BenchmarkEcho(b *testing.B) {
	for name, d := range designs() {
		for batch, n := range map[string]int{"alone": 1, "pipelined16": 16} {
			b.Run(name+"/"+batch, func(b *testing.B) {
				joined := make(chan peer, 1)
				addr, serve := serveBench(b, d.handler(b, joined))
				serve()
				nc := dialBench(b, addr, 1)[0]
				handshake(b, nc, nil)
				ask := frames(clientFrame(finText, make([]byte, 117)), n)
				answer := make([]byte, n*(2+117))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := nc.Write(ask); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(nc, answer); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/msg")
			})
		}
	}
}

// BenchmarkBroadcast sends one event to 1000 connections, all of which have
// received it at the end of an operation.
func BenchmarkBroadcast(b *testing.B) {
	const n = 1000
	for name, d := range designs() {
		b.Run(name, func(b *testing.B) {
			joined := make(chan peer, n)
			addr, serve := serveBench(b, d.handler(b, joined))
			serve()
			clients := dialBench(b, addr, n)
			peers := make([]peer, n)
			for i, nc := range clients {
				handshake(b, nc, nil)
				peers[i] = <-joined
			}
			payload := make([]byte, 117)
			frame := make([]byte, 2+len(payload))
			b.ReportAllocs()
			for b.Loop() {
				prepared := Prepare(payload)
				for _, p := range peers {
					p.send(prepared, payload)
				}
				for _, nc := range clients {
					if _, err := io.ReadFull(nc, frame); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/conn")
		})
	}
}
