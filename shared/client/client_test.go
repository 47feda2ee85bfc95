//go:build !js

package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// inBubble runs a test in a synctest bubble.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

func TestHello(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{Token: "tok", UserID: "me", DeviceName: "desk",
			Client: &protocol.Client{Name: "test", Caps: []string{protocol.CapHTML}}})
		h.phase(Connecting)
		s := h.socket()
		if len(s.frames) != 0 {
			t.Fatal("something was sent on a socket that is not open")
		}
		s.openNow()
		var p protocol.ConnectParams
		if r := s.last(); r.Type != "req" || r.Method != "connect" || json.Unmarshal(r.Params, &p) != nil {
			t.Fatalf("first frame %+v", r)
		}
		if p.Token != "tok" || p.UserID != "me" || p.DeviceName != "desk" || p.Protocol != 3 || p.Client.Caps[0] != "html" {
			t.Fatalf("hello %+v", p)
		}
		s.answer(welcomed)
		st := h.phase(Ready)
		if st.Role != protocol.Operator || st.UserID != "u1" || st.Server.Name != "gatehouse" || st.Limits.TickIntervalMs != 15000 {
			t.Fatalf("state %+v", st)
		}
		h.client.Start()
		h.client.TryNow()
		if got := phases(h.states); got != "connecting ready" {
			t.Fatalf("callbacks: %q", got)
		}
		h.client.Stop()
		h.phase(Stopped)
		if s.code != 1000 {
			t.Fatalf("closed with %d", s.code)
		}
		h.pass(time.Hour)
		if len(h.transport.sockets) != 1 {
			t.Fatal("a stopped client dialled")
		}
		h.client.Start()
		h.reach(ready)
		h.client.Stop()
	})
}

func TestWelcomeWithoutLimits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.socket()
		s.openNow()
		s.answer(`{"protocol":3,"role":"admin","server":{},"limits":{"tickIntervalMs":1}}`)
		l := h.phase(Ready).Limits
		if l.MaxFrameBytes != protocol.MaxFrameBytes || l.TickIntervalMs != 15000 {
			t.Fatalf("limits %+v", l)
		}
		h.client.Stop()
	})
}

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	type want struct {
		phase  Phase
		code   protocol.Code // of the state's error
		status string        // of its details
		call   protocol.Code // of a call under way, where there can be one
	}
	lost := want{Waiting, protocol.Unavailable, "", protocol.Unavailable}
	refused := want{Refused, protocol.Unauthorized, "", protocol.Unavailable}
	tests := []struct {
		code   int
		reason string
		want   want
	}{
		{1000, "", lost}, {1001, "shutting down", lost}, {1002, "", lost}, {1005, "", lost}, {1006, "", lost},
		{1011, "", lost}, {1012, "", lost}, {1013, "too slow", lost}, {3000, "", lost}, {4999, "", lost},
		{1008, "bye", refused}, {1008, "", refused},
		{1008, "pairing revoked", want{Refused, protocol.NotPaired, protocol.PairingRevoked, protocol.Unavailable}},
		{1008, protocol.ReasonDisconnected, want{Refused, protocol.FailedPrecondition, "", protocol.Unavailable}},
		{1009, protocol.ReasonTooBig, want{Waiting, protocol.Unavailable, "", protocol.InvalidRequest}},
	}
	for _, tt := range tests {
		for _, at := range []step{dialing, connecting, pairing, ready} {
			t.Run(fmt.Sprintf("%d %s at %d", tt.code, tt.reason, at), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					h := start(t, protocol.ConnectParams{})
					s := h.reach(at)
					var o *outcome
					if at == ready {
						o = h.call("health", nil)
					}
					s.end(tt.code, tt.reason)
					st := h.phase(tt.want.phase)
					if st.Err.Code != tt.want.code || st.Err.Details != nil && st.Err.Details.Status != tt.want.status {
						t.Errorf("state's error %+v", st.Err)
					}
					if tt.reason != "" && tt.want.status == "" && st.Err.Message != tt.reason {
						t.Errorf("the reason %q is lost: %q", tt.reason, st.Err.Message)
					}
					if o != nil && o.code(t) != tt.want.call {
						t.Errorf("the call ended with %v", o.err)
					}
					if keeps := st.Pairing != nil; keeps != (at == pairing && tt.want.phase == Waiting) {
						t.Errorf("the pairing is kept: %v", keeps)
					}
					h.pass(time.Hour)
					if again := len(h.transport.sockets) > 1; again != (tt.want.phase == Waiting) {
						t.Errorf("dialled again: %v", again)
					}
					h.client.Stop()
				})
			})
		}
	}
}

func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	base := time.Second
	for attempt := range 40 {
		low, high := backoff(attempt, 0), backoff(attempt, 0.999999)
		if low < max(time.Second, base*8/10) || high > min(30*time.Second, base*12/10) {
			t.Errorf("attempt %d waits %v to %v, around %v", attempt, low, high, base)
		}
		if high-low < base/10 {
			t.Errorf("attempt %d: %v of jitter are no jitter", attempt, high-low)
		}
		base = min(base*2, 30*time.Second)
	}
}

func TestWaitsGrowAndStartOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		for i, want := range []time.Duration{1000, 1600, 3200, 6400, 12800, 24000, 24000} {
			want *= time.Millisecond
			began := time.Now()
			h.socket().end(1006, "")
			st := h.phase(Waiting)
			if got := st.RetryAt.Sub(began); got != want || st.Attempt != i+1 {
				t.Fatalf("attempt %d waits %v, want %v", st.Attempt, got, want)
			}
			h.pass(want - 1)
			h.phase(Waiting)
			h.pass(1)
			h.phase(Connecting)
		}
		h.reach(ready)
		h.pass(9 * time.Second)
		h.socket().end(1006, "")
		if d := time.Until(h.phase(Waiting).RetryAt); d < 20*time.Second {
			t.Fatalf("a connection of 9 s set the wait back to %v", d)
		}
		h.client.TryNow()
		h.reach(ready)
		h.pass(10 * time.Second)
		h.socket().end(1006, "")
		if d := time.Until(h.phase(Waiting).RetryAt); d != time.Second {
			t.Fatalf("after a steady connection the wait is %v", d)
		}
		h.client.Stop()
	})
}

func TestGatewaysWishIsObeyed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		lose func(h *harness)
		want time.Duration
	}{
		{"shutdown", func(h *harness) {
			s := h.reach(ready)
			s.event("shutdown", `{"retryAfterMs":7000}`)
			h.phase(Ready)
			s.end(1001, "shutting down")
		}, 7 * time.Second},
		{"shutdown, shorter than the wait", func(h *harness) {
			s := h.reach(ready)
			s.event("shutdown", `{"retryAfterMs":10}`)
			s.end(1001, "")
		}, time.Second},
		{"hello refused for now", func(h *harness) {
			h.reach(connecting).refuse(protocol.Exhausted("too many pairings", 60_000))
		}, time.Minute},
		{"unavailable", func(h *harness) {
			h.reach(connecting).refuse(&protocol.Error{Code: protocol.Unavailable, RetryAfterMs: 3000})
		}, 3 * time.Second},
		{"longer than is reasonable", func(h *harness) {
			h.reach(connecting).refuse(protocol.Exhausted("go away", 1<<60))
		}, 5 * time.Minute},
		{"negative", func(h *harness) {
			h.reach(connecting).refuse(&protocol.Error{Code: protocol.Internal, RetryAfterMs: -5})
		}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				tt.lose(h)
				if d := time.Until(h.phase(Waiting).RetryAt); d != tt.want {
					t.Fatalf("waits %v, want %v", d, tt.want)
				}
				if h.socket().alive() {
					t.Fatal("the socket is still open")
				}
				h.pass(tt.want)
				h.phase(Connecting)
				h.client.Stop()
			})
		})
	}
}

func TestRefusedHello(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  *protocol.Error
		want Phase
	}{
		{protocol.Refuse(protocol.Unauthorized, "invalid token"), Refused},
		{&protocol.Error{Code: protocol.NotPaired, Details: &protocol.ErrorDetails{Status: protocol.PairingUnknown}}, Refused},
		{protocol.Refuse(protocol.FailedPrecondition, "protocol 3 is supported"), Refused},
		{protocol.Refuse(protocol.InvalidRequest, "user_id is too long"), Refused},
		{protocol.Refuse("NEWER_CODE", "what is this"), Refused},
		{&protocol.Error{Code: "NEWER_CODE", Retryable: true}, Waiting},
		{protocol.Refuse(protocol.Internal, "bug 7"), Waiting},
		{protocol.Refuse(protocol.Unavailable, "draining"), Waiting},
	}
	for _, tt := range tests {
		t.Run(string(tt.err.Code), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{SenderID: "s-0"})
				s := h.reach(connecting)
				s.refuse(tt.err)
				if st := h.phase(tt.want); st.Err.Code != tt.err.Code {
					t.Errorf("error %+v", st.Err)
				}
				if s.code != 1000 {
					t.Errorf("the socket was closed with %d", s.code)
				}
				if tt.want == Refused {
					h.client.TryNow()
					h.pass(time.Hour)
					h.phase(Refused)
					h.client.Start()
					h.phase(Connecting)
					keeps := strings.Contains(string(h.reach(connecting).last().Params), "s-0")
					if keeps == (tt.err.Code == protocol.NotPaired) {
						t.Errorf("the sender_id is used again: %v", keeps)
					}
				}
				h.client.Stop()
			})
		})
	}
}

func TestNothingHangs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		at    step
		after time.Duration
	}{
		{"a dial that never opens", dialing, 15 * time.Second},
		{"a hello that is not answered", connecting, 10 * time.Second},
		{"a poll that is not answered", pairing, 12 * time.Second},
		{"silence", ready, 37500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				s := h.reach(tt.at)
				before := h.client.State().Phase
				h.pass(tt.after - 1)
				h.phase(before)
				h.pass(1)
				h.phase(Waiting)
				if s.code != 4000 {
					t.Fatalf("the dead socket was closed with %d", s.code)
				}
				s.handler.Opened() // what it says now is of no interest
				s.answer(welcomed)
				s.end(1008, "too late")
				h.phase(Waiting)
				h.pass(time.Second)
				h.reach(ready)
				h.client.Stop()
			})
		})
	}
}

func TestTicksKeepAlive(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(ready)
		for range 40 {
			h.pass(15 * time.Second)
			s.event("tick", `{"sessions":{"a":1}}`)
			h.phase(Ready)
		}
		if len(h.events) != 40 {
			t.Fatalf("%d ticks were reported", len(h.events))
		}
		h.pass(37500 * time.Millisecond)
		h.phase(Waiting)
		h.client.Stop()
	})
}

func TestSleepingMachine(t *testing.T) {
	t.Parallel()
	t.Run("waiting", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			h.reach(connecting).refuse(protocol.Exhausted("later", 60_000))
			h.phase(Waiting)
			h.skew = 2 * time.Hour
			h.pass(time.Second)
			h.phase(Connecting)
			h.client.Stop()
		})
	})
	t.Run("ready", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			s := h.reach(ready)
			h.skew = 2 * time.Hour
			h.pass(5 * time.Second)
			h.phase(Connecting)
			if s.alive() {
				t.Fatal("the old socket is still open")
			}
			h.client.Stop()
		})
	})
	t.Run("clock set back", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			h.socket().end(1006, "")
			h.skew = -24 * time.Hour
			h.pass(time.Second)
			h.phase(Connecting)
			h.client.Stop()
		})
	})
}

func TestTryNow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHarness(t, protocol.ConnectParams{})
		h.client.TryNow()
		if len(h.transport.sockets) != 0 {
			t.Fatal("a client that was not started dialled")
		}
		h.client.Start()
		first := h.socket()
		h.client.TryNow()
		if h.socket() != first {
			t.Fatal("a fresh dial was given up")
		}
		h.pass(time.Second)
		h.client.TryNow()
		if h.socket() == first || first.alive() {
			t.Fatal("a dial that hangs was not replaced")
		}
		h.socket().end(1006, "")
		h.phase(Waiting)
		h.client.TryNow()
		h.phase(Connecting)
		s := h.reach(ready)
		h.pass(20 * time.Second)
		h.client.TryNow()
		if h.socket() != s {
			t.Fatal("a healthy connection was given up")
		}
		h.skew = time.Hour
		h.client.TryNow()
		if h.socket() == s || s.alive() {
			t.Fatal("a connection that slept was not replaced")
		}
		h.client.Stop()
	})
}

func TestUnreadableFrames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		at    step
		frame string
	}{
		{"no JSON", ready, `<html>`},
		{"no object", ready, `[1]`},
		{"wrong type", ready, `{"type":"res","id":7}`},
		{"no JSON for hello", connecting, ``},
		{"hello of another type", connecting, `{"type":"res","id":"1","ok":true,"payload":{"protocol":"three"}}`},
		{"pairing status of another type", pairing, `{"type":"res","id":"2","ok":true,"payload":{"status":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				s := h.reach(tt.at)
				if tt.at == pairing {
					h.pass(2 * time.Second)
				}
				s.sendText(tt.frame)
				if st := h.phase(Waiting); st.Err.Code != protocol.Internal || s.alive() {
					t.Fatalf("error %v, socket alive %v", st.Err, s.alive())
				}
				h.client.Stop()
			})
		})
	}
}

func TestFramesOfNoInterest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(connecting)
		s.event("agent", `{}`)
		s.sendText(`{"type":"res","id":"","ok":false,"error":{"code":"INVALID_REQUEST","message":"invalid frame"}}`)
		s.sendText(`{"type":"res","id":"77","ok":true}`)
		s.sendText(`{"type":"hint","text":"from the future"}`)
		h.phase(Connecting)
		s.answer(welcomed)
		s.answer(welcomed)
		s.event("shutdown", `7`)
		h.phase(Ready)
		if len(h.events) != 1 || h.events[0].Event != "shutdown" {
			t.Fatalf("reported %v", h.events)
		}
		h.client.Stop()
	})
}

// Callbacks come in order, one at a time, also if a callback calls the Client.
func TestCallbacksMayCallBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		transport := &fakeTransport{}
		var log []string
		var c *Client
		depth := 0
		note := func(s string) func() {
			if depth++; depth != 1 {
				t.Errorf("%s was reported within another callback", s)
			}
			log = append(log, s)
			return func() { depth-- }
		}
		c = New(Options{
			Transport: transport,
			OnState: func(s State) {
				defer note(s.Phase.String())()
				switch s.Phase {
				case Ready:
					for _, m := range []string{"a", "b"} {
						c.Call(m, nil, func(_ jsontext.Raw, err *protocol.Error) {
							defer note(m + " " + string(err.Code))()
							c.TryNow()
						})
					}
				case Waiting:
					c.Call("c", nil, func(_ jsontext.Raw, err *protocol.Error) {
						defer note("c " + string(err.Code))()
						c.Stop()
					})
				case Stopped:
					c.State()
				}
			},
			OnEvent: func(f protocol.Frame) {
				defer note(f.Event)()
				transport.sockets[0].end(1006, "")
			},
		})
		c.Start()
		s := transport.sockets[0]
		s.openNow()
		s.answer(welcomed)
		s.event("tick", `{}`)
		synctest.Wait()
		// a's callback comes when the client waits already: it dials at once.
		want := "connecting ready tick a UNAVAILABLE b UNAVAILABLE waiting connecting c UNAVAILABLE stopped"
		if got := strings.Join(log, " "); got != want {
			t.Fatalf("callbacks:\n%s\nwant\n%s", got, want)
		}
	})
}

func TestUndeliveredIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		transport := &fakeTransport{}
		var once sync.Once
		release := make(chan struct{})
		c := New(Options{Transport: transport, OnEvent: func(protocol.Frame) {
			once.Do(func() { <-release })
		}})
		c.Start()
		s := transport.sockets[0]
		s.openNow()
		s.answer(welcomed)
		frame := protocol.AppendEvent(nil, "agent", []byte(`"`+strings.Repeat("x", 500_000)+`"`), 1)
		go s.handler.Message(frame) // waits in the program's hands
		synctest.Wait()
		n := 0
		for ; s.alive() && n < 100; n++ {
			s.handler.Message(frame)
		}
		if n < 10 || n > 20 {
			t.Fatalf("%d frames of 500 KB were queued before the client gave up", n)
		}
		if c.State().Phase != Waiting {
			t.Fatalf("the client is %v", c.State().Phase)
		}
		close(release)
		synctest.Wait()
		if c.callbacks.bytes != 0 || len(c.callbacks.queue) != 0 {
			t.Fatal("something is left in the queue")
		}
		c.Stop()
	})
}

// A function given to RunInCallback runs in its turn, also if a callback gives one.
func TestRunInCallback(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHarness(t, protocol.ConnectParams{})
		reported := ""
		h.client.RunInCallback(func() {
			h.client.Start()
			h.client.RunInCallback(func() { reported += phases(h.states) + "; tell" })
			reported += "first; "
		})
		if reported != "first; connecting; tell" {
			t.Fatalf("callbacks: %q", reported)
		}
		h.client.Stop()
	})
}
