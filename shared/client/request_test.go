//go:build !js

package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestRequest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		ctx := context.Background()
		var refusal *protocol.Error
		if err := h.client.Request(ctx, "health", nil, nil); !errors.As(err, &refusal) || refusal.Code != protocol.Unavailable {
			t.Fatalf("not connected: %v", err)
		}
		s := h.reach(ready)
		serve := func(answer func()) {
			go func() {
				synctest.Wait()
				answer()
			}()
		}
		var health protocol.HealthResult
		serve(func() { s.answer(`{"status":"ok"}`) })
		if err := h.client.Request(ctx, "health", nil, &health); err != nil || health.Status != "ok" {
			t.Fatalf("health %+v: %v", health, err)
		}
		serve(func() { s.answer(`{"status":7}`) })
		if err := h.client.Request(ctx, "health", nil, &health); err == nil || !strings.Contains(err.Error(), "health: unreadable answer: status must be a string") {
			t.Fatalf("unreadable: %v", err)
		}
		serve(func() { s.refuse(protocol.Refuse(protocol.Forbidden, "session does not belong to user")) })
		err := h.client.Request(ctx, "chat.history", nil, nil)
		if !errors.As(err, &refusal) || refusal.Code != protocol.Forbidden || err.Error() != "chat.history: FORBIDDEN: session does not belong to user" {
			t.Fatalf("refused: %v", err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := h.client.Request(short, "chat.send", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("no answer: %v", err)
		}
		if len(h.client.calls) != 0 {
			t.Fatal("a request that nobody waits for is kept")
		}
		s.answer(`{}`)
		h.phase(Ready)
		h.client.Stop()
	})
}
