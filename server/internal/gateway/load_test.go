package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestManyWrongTokens has 5,000 connections try wrong tokens, 50 at a time from
// 500 addresses: each is refused, the log and the audit log stay short, the
// admin gets through, and when they are gone the memory is as it was.
func TestManyWrongTokens(t *testing.T) { // alone: it measures the heap
	const connections, addresses, atOnce, warm = 5000, 500, 50, 500
	const tokensOfAnAddress = 10 // a minute
	h := newHouse(t, httpdtest.Options{Limits: func() gateway.Limits { return gateway.Limits{Connections: 200, PendingConnections: 150} }})
	guess := func(n int) { h.flood(t, n, addresses, atOnce) }
	guess(warm) // what is made once and kept: pools, statements, maps
	h.untilEmpty(t, 0)
	before := heap()
	begun := time.Now()
	guess(connections)
	h.admin(t, "boss").OK(protocol.MethodStatus, "")
	h.untilEmpty(t, 1)
	grown := int64(heap()) - int64(before)
	t.Logf("%d wrong tokens in %v; the heap grew by %d KB; %d lines", connections, time.Since(begun).Round(time.Millisecond), grown/1000,
		strings.Count(h.Log.String(), "\n"))
	count := func(name string) (n int) {
		_, _ = fmt.Sscan(h.metric(t, name), &n) // 0 is wrong, too
		return n
	}
	opened, wrong := count("gatehouse_connections_opened_total"), count("gatehouse_wrong_tokens_total")
	limited := count(`gatehouse_rate_limited_total{limit="tokens"}`)
	// On a machine that is slow some allowances come back meanwhile.
	if opened != warm+connections+1 || wrong+limited != warm+connections || wrong < addresses*tokensOfAnAddress {
		t.Errorf("counted %d connections, %d wrong tokens and %d refusals to look", opened, wrong, limited)
	}
	// The log itself is kept in memory, here alone.
	if grown -= int64(len(h.Log.String())) * 3; grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	const linesOfAnAddress = 6 // of refusals, a minute
	if n := strings.Count(h.Log.String(), "\n"); n > addresses*(tokensOfAnAddress+linesOfAnAddress)+100 {
		t.Errorf("%d lines", n)
	}
	if n := runtime.NumGoroutine(); n > 200 {
		t.Errorf("%d goroutines are left", n)
	}
}

// flood opens n connections, and tries one wrong token on each.
func (h *house) flood(t *testing.T, n, addresses, atOnce int) {
	t.Helper()
	turns := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range turns {
				address := fmt.Sprintf("10.0.%d.%d", i%addresses/250, i%addresses%250)
				if err := h.guess(t.Context(), from(address)); err != nil {
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
func (h *house) guess(ctx context.Context, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, httpdtest.Impatience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	if err := ws.Write(ctx, websocket.MessageText, frameOf(protocol.MethodConnect, `{"token":"wrong"}`)); err != nil {
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
