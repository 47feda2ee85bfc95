//go:build !js

package client

import (
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestRedial(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]step{"dialing": dialing, "connecting": connecting, "pairing": pairing, "ready": ready} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				old := h.reach(at)
				var o *outcome
				if at == ready {
					o = h.call(protocol.MethodHealth, nil)
				}
				h.client.Redial()
				if st := h.phase(Connecting); (st.Pairing != nil) != (at == pairing) {
					t.Errorf("the pairing is %v", st.Pairing)
				}
				if o != nil && o.code(t) != protocol.Unavailable {
					t.Errorf("the call under way ended with %v", o.err)
				}
				s := h.socket()
				if len(h.transport.sockets) != 2 || old.code != closeSilent || !s.alive() {
					t.Fatalf("%d sockets; the old one was closed with %d", len(h.transport.sockets), old.code)
				}
				old.end(1006, "the network changed") // reported late, and of no interest
				h.pass(dialTimeout - 1)
				h.phase(Connecting)
				if h.socket() != s {
					t.Fatal("dialled twice")
				}
				h.reach(ready)
				h.client.Stop()
			})
		})
	}
	t.Run("waiting", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			h.socket().end(1006, "")
			h.client.Redial()
			h.phase(Connecting)
			h.pass(10 * time.Second)
			if len(h.transport.sockets) != 2 {
				t.Fatal("the wait went on, and dialled too")
			}
			h.client.Stop()
		})
	})
	t.Run("stopped and refused", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := newHarness(t, protocol.ConnectParams{})
			h.client.Redial()
			if len(h.transport.sockets) != 0 {
				t.Fatal("a client that was not started dialled")
			}
			h.client.Start()
			h.reach(connecting).refuse(protocol.Refuse(protocol.Unauthorized, "invalid token"))
			h.client.Redial()
			h.phase(Refused)
			h.client.Stop()
			h.client.Redial()
			h.phase(Stopped)
		})
	})
	t.Run("after a steady connection", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			h.socket().end(1006, "")
			h.client.TryNow()
			h.reach(ready)
			h.pass(stableAfter)
			h.client.Redial()
			h.socket().end(1006, "")
			if st := h.phase(Waiting); st.Attempt != 1 || time.Until(st.RetryAt) != firstWait {
				t.Fatalf("attempt %d waits %v", st.Attempt, time.Until(st.RetryAt))
			}
			h.client.Stop()
		})
	})
}

func TestProbe(t *testing.T) {
	t.Parallel()
	// quiet is a ready client that has received nothing for 3 s, after TryNow.
	quiet := func(t *testing.T) (*harness, *fakeSocket) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(ready)
		h.pass(quietAfter - 1)
		h.client.TryNow()
		if len(s.frames) != 1 {
			t.Fatal("a connection that was heard just now was asked for a sign of life")
		}
		h.pass(1)
		h.client.TryNow()
		if r := s.last(); r.Method != protocol.MethodHealth || len(s.frames) != 2 {
			t.Fatalf("the probe is %+v", r)
		}
		h.client.TryNow()
		h.pass(probeTimeout - 1)
		h.client.TryNow()
		if h.phase(Ready); len(s.frames) != 2 {
			t.Fatal("a second probe was sent")
		}
		return h, s
	}
	t.Run("no sign of life", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, s := quiet(t)
			o := h.call(protocol.MethodHealth, nil)
			h.pass(1)
			h.phase(Connecting)
			if s.code != closeSilent || h.socket() == s || o.code(t) != protocol.Unavailable {
				t.Fatalf("closed with %d, the call ended with %v", s.code, o.err)
			}
			h.reach(ready)
			h.client.Stop()
		})
	})
	for name, say := range map[string]func(s *fakeSocket){
		"its answer":     func(s *fakeSocket) { s.answer(`{"status":"ok"}`) },
		"a refusal":      func(s *fakeSocket) { s.refuse(protocol.Exhausted("too fast", 1000)) },
		"anything heard": func(s *fakeSocket) { s.event(protocol.EventTick, `{}`) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, s := quiet(t)
				say(s)
				h.pass(1)
				h.phase(Ready)
				h.pass(quietAfter)
				h.client.TryNow()
				if n := s.count(protocol.MethodHealth); n != 2 {
					t.Fatalf("%d probes; a later one is owed", n)
				}
				s.answer(`{}`)
				heard := time.Now()
				h.pass(37500*time.Millisecond - 1)
				h.phase(Ready)
				h.pass(1)
				if h.phase(Waiting); time.Since(heard) != 37500*time.Millisecond {
					t.Fatal("silence is not watched any more")
				}
				h.client.Stop()
			})
		})
	}
	t.Run("closed meanwhile", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, s := quiet(t)
			s.end(1001, "")
			h.phase(Waiting)
			h.pass(firstWait - 1)
			h.phase(Waiting)
			h.pass(1)
			h.reach(ready)
			h.client.Stop()
		})
	})
}

// Clients that received the shutdown event at the same time do not reconnect at the same time.
func TestWaitAfterShutdownIsSpread(t *testing.T) {
	t.Parallel()
	tests := []struct {
		random   float64
		ms       string
		low, top time.Duration
	}{
		{0, "4000", 4 * time.Second, 4 * time.Second},
		{0.5, "4000", 6 * time.Second, 6 * time.Second},
		{0.999999, "4000", 7900 * time.Millisecond, 8 * time.Second},
		{0.5, "100", time.Second, 1200 * time.Millisecond}, // the ordinary wait is longer
		{0.999999, "86400000", 9 * time.Minute, 10 * time.Minute},
	}
	for _, tt := range tests {
		t.Run("", func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				h.client.random = func() float64 { return tt.random }
				s := h.reach(ready)
				s.event(protocol.EventShutdown, `{"retryAfterMs":`+tt.ms+`}`)
				s.end(protocol.CloseShutdown, protocol.ReasonShutdown)
				if d := time.Until(h.phase(Waiting).RetryAt); d < tt.low || d > tt.top {
					t.Fatalf("waits %v, want %v to %v", d, tt.low, tt.top)
				}
				h.client.Stop()
			})
		})
	}
}
