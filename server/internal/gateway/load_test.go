package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestManyWrongTokens tries wrong tokens on 5,000 connections, 50 at a time, from 500
// addresses: each is refused, the log stays short, an admin can connect, and in the end
// the memory is as it was.
func TestManyWrongTokens(t *testing.T) { // alone: it measures the heap
	const connections, addresses, atOnce, warm = 5000, 500, 50, 500
	const tokensOfAnAddress = 10 // a minute
	gw := newTestGateway(t, httpdtest.Options{Limits: func() registry.Limits { return registry.Limits{Connections: 200, PendingConnections: 150} }})
	guess := func(n int) { gw.flood(t, n, addresses, atOnce) }
	guess(warm) // allocates what is kept: pools, statements, maps
	gw.untilConnections(t, 0)
	before := heap()
	begun := time.Now()
	guess(connections)
	gw.admin(t, "boss").OK(protocol.MethodStatus, "")
	gw.untilConnections(t, 1)
	grown := int64(heap()) - int64(before)
	t.Logf("%d wrong tokens in %v; the heap grew by %d KB; %d lines", connections,
		time.Since(begun).Round(time.Millisecond), grown/1000,
		strings.Count(gw.Log.String(), "\n"))
	count := func(name string) (n int) {
		_, _ = fmt.Sscan(gw.metric(t, name), &n) // if it fails, n is 0, which is wrong, too
		return n
	}
	opened, wrong := count("gatehouse_connections_opened_total"), count("gatehouse_wrong_tokens_total")
	limited := count(`gatehouse_rate_limited_total{limit="tokens"}`)
	// On a slow machine, addresses get some of their tokens back meanwhile.
	if opened != warm+connections+1 || wrong+limited != warm+connections ||
		wrong < addresses*tokensOfAnAddress {
		t.Errorf("counted %d connections, %d wrong tokens and %d attempts over the limit", opened, wrong,
			limited)
	}
	// Only the test keeps the log in memory.
	if grown -= int64(len(gw.Log.String())) * 3; grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	const linesInAll = 600 // a minute, which a slow machine may take
	most := linesInAll*(2+time.Since(begun).Minutes()) + 100
	if n := strings.Count(gw.Log.String(), "\n"); float64(n) > most {
		t.Errorf("%d lines, want at most %.0f", n, most)
	}
	if n := runtime.NumGoroutine(); n > 200 {
		t.Errorf("%d goroutines are left", n)
	}
}

// TestWrongTokensAtOnce opens 5,000 connections that send a wrong token and stay open, from
// 500 addresses and from one: each takes little memory, an address gets no more than its
// limit, and in the end the memory and the goroutines are as they were.
func TestWrongTokensAtOnce(t *testing.T) { // alone: it measures memory
	const connections, share = 5000, 250
	for _, row := range []struct {
		name            string
		addresses, most int
	}{
		{"500 addresses", 500, connections},
		{"one address", 1, share},
	} {
		t.Run(row.name, func(t *testing.T) {
			gw := newTestGateway(t, httpdtest.Options{Limits: func() registry.Limits {
				return registry.Limits{ConnectionsPerAddress: share, PendingConnections: connections + 1000}
			}})
			warm, _ := gw.guessAndStay(t, 500, 500) // allocates what is kept
			for _, c := range warm {
				_ = c.Close()
			}
			gw.untilConnections(t, 0)
			http.DefaultClient.CloseIdleConnections()
			heapBefore, stacksBefore, routines := heap(), stacks(), runtime.NumGoroutine()
			begun, lines := time.Now(), len(gw.Log.String())
			held, tried := gw.guessAndStay(t, connections, row.addresses)
			pending, _, _ := gw.Registry.Counts()
			if want := min(tried, row.most); len(held) != want || pending != want || tried < 500 {
				t.Errorf("of %d connections %d are open, and the registry has %d, want %d", tried, len(held), pending,
					want)
			}
			each := (int(heap()) - int(heapBefore) + stacks() - stacksBefore) / len(held)
			t.Logf("%d of %d open after %v: %d bytes each, including the client's side", len(held), tried,
				time.Since(begun).Round(time.Millisecond), each)
			if each > 48<<10 {
				t.Errorf("a connection takes %d bytes", each)
			}
			for _, c := range held {
				_ = c.Close()
			}
			gw.untilConnections(t, 0)
			held = nil
			if grown := int(heap()) - int(heapBefore) - 3*(len(gw.Log.String())-lines); grown > 4<<20 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			for end := time.Now().Add(httpdtest.Timeout); runtime.NumGoroutine() > routines+5; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d goroutines, there were %d", runtime.NumGoroutine(), routines)
				}
			}
		})
	}
}

// guessAndStay opens n connections from that many addresses, sends a wrong token on each,
// and gives the open ones when all were answered. On a slow machine it opens fewer, since
// the hello deadline must not close the first ones.
func (gw *testGateway) guessAndStay(t *testing.T, n, addresses int) (held []*rawws.Conn, tried int) {
	t.Helper()
	const enough = 6 * time.Second
	begun := time.Now()
	const text = 1 // RFC 6455 §5.2
	guess := rawws.Frame{Opcode: text, Payload: frameOf(protocol.MethodConnect, `{"token":"wrong"}`)}
	var mu sync.Mutex
	var all sync.WaitGroup
	for worker := range 50 {
		all.Go(func() {
			for i := worker; i < n && time.Since(begun) < enough; i += 50 {
				mu.Lock()
				tried++
				mu.Unlock()
				c, err := rawws.Dial(t.Context(), gw.url+"/ws",
					from(fmt.Sprintf("10.1.%d.%d", i%addresses/250, i%addresses%250)), nil)
				if errors.As(err, new(*rawws.Refusal)) {
					continue
				}
				if err == nil {
					err = c.WriteFrame(guess)
				}
				if err == nil {
					_, err = c.ReadFrame()
				}
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				held = append(held, c)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return held, tried
}

// stacks is what the goroutines' stacks take, in bytes.
func stacks() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}

// flood opens n connections, and tries one wrong token on each.
func (gw *testGateway) flood(t *testing.T, n, addresses, atOnce int) {
	t.Helper()
	turns := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range turns {
				address := fmt.Sprintf("10.0.%d.%d", i%addresses/250, i%addresses%250)
				if err := gw.guess(t.Context(), from(address)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	all.Wait()
}

// guess tries a wrong token on a connection of its own.
func (gw *testGateway) guess(ctx context.Context, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, httpdtest.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, gw.url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	if err := ws.Write(ctx, websocket.MessageText,
		frameOf(protocol.MethodConnect, `{"token":"wrong"}`)); err != nil {
		return err
	}
	_, text, err := ws.Read(ctx)
	if err != nil {
		return err
	}
	var f protocol.Frame
	if err := protocol.Decode(text, &f); err != nil {
		return err
	}
	if f.OK || f.Error.Code != protocol.Unauthorized && f.Error.Code != protocol.ResourceExhausted {
		return fmt.Errorf("a wrong token: %s", text)
	}
	return nil
}
