package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestOneAnswer answers a call in every way, twice: only the first answer is sent.
func TestOneAnswer(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	g := &Gateway{Options: Options{Log: logger, Metrics: metrics.New(), Registry: registry.New()}}
	set := conn.NewSet(conn.Limits{}, logger)
	ready := make(chan *conn.Conn, 1)
	server := conntest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = set.Accept(w, r, func(c *conn.Conn) conn.Handler { // what fails shows below
			ready <- c
			reserved, _ := g.Registry.Reserve(access.Peer{},
				registry.Limits{Connections: 1, ConnectionsPerAddress: 1, PendingConnections: 1})
			g.Registry.Open(reserved, c)
			return newClient(g, reserved, c)
		})
	}))
	ws := server.Dial(t, "/ws", nil)
	c := <-ready
	for i, answers := range [][]func(*call){
		{func(c *call) { c.reply(&protocol.Empty{}) }, func(c *call) { c.fail(errPanic) }},
		{func(c *call) { c.fail(errors.New("a bug")) }, func(c *call) { c.reply(nil) }},
	} {
		request := &call{client: &client{g: g, conn: c}, id: string(rune('a' + i))}
		for _, answer := range append(answers, answers...) {
			answer(request)
		}
	}
	c.SendBytes([]byte("last"))
	for _, want := range []string{`"id":"a","ok":true`, `"id":"b","ok":false`, "last"} {
		if _, text, err := ws.Read(t.Context()); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s, %v; want %s", text, err, want)
		}
	}
	_ = ws.CloseNow()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := set.Shutdown(ctx, protocol.CloseShutdown, ""); err != nil {
		t.Error(err)
	}
}

// TestFit fits pages of messages of any size into a frame.
func TestFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var page []protocol.Message
		for i := range rapid.IntRange(0, 12).Draw(t, "messages") {
			m := protocol.Message{ID: strconv.Itoa(i),
				Content: strings.Repeat("x", rapid.IntRange(0, 480<<10).Draw(t, "bytes"))}
			if i > 0 && rapid.Bool().Draw(t, "an answer") {
				m.ReplyTo = "before"
			}
			if rapid.Bool().Draw(t, "formatted") {
				m.HTML = &protocol.HTML{Blocks: []string{strings.Repeat("y",
					rapid.IntRange(0, 250<<10).Draw(t, "block"))}}
			}
			page = append(page, m)
		}
		all := len(page)
		messages, cut := fit(page)
		if len(messages) == 0 && all > 0 || cut != (len(messages) < all) {
			t.Fatalf("%d of %d messages, cut %v", len(messages), all, cut)
		}
		for i, m := range messages {
			if m.ID != strconv.Itoa(all-len(messages)+i) {
				t.Fatalf("message %s at %d of %d", m.ID, i, len(messages))
			}
		}
		if cut && len(messages) > 1 && messages[0].ReplyTo != "" {
			t.Fatal("the page begins with an answer")
		}
		result := protocol.ChatHistoryResult{Messages: messages, SessionKey: strings.Repeat("k", 255)}
		if n := len(protocol.AppendResult(nil, strings.Repeat("\x01", 128),
			&result)); n > protocol.MaxFrameBytes {
			t.Fatalf("a frame of %d bytes", n)
		}
	})
}
