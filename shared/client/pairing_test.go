//go:build !js

package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestPairingPolls(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(pairing)
		p := h.phase(Pairing).Pairing
		if p.Code != "ABCDEFGH" || p.PollInterval != 2*time.Second || p.ExpiresAt.String() != "2026-01-01T01:00:00.000Z" {
			t.Fatalf("pairing %+v", p)
		}
		if text := fmt.Sprintf("%v %+v %#v", *p, *p, *p); strings.Contains(text, "s-1") || string(p.SenderID) != "s-1" {
			t.Fatalf("the secret is printed, or lost: %s", text)
		}
		began := time.Now()
		polls := 0
		for _, stage := range []struct {
			until    time.Duration
			interval time.Duration
		}{{time.Minute, 2 * time.Second}, {10 * time.Minute, 5 * time.Second}, {20 * time.Minute, 10 * time.Second}} {
			for time.Since(began) < stage.until {
				h.pass(stage.interval - 1)
				if n := s.count(protocol.MethodPairingStatus); n != polls {
					t.Fatalf("after %v: %d polls, want %d", time.Since(began), n, polls)
				}
				h.pass(1)
				polls++
				if n := s.count(protocol.MethodPairingStatus); n != polls {
					t.Fatalf("after %v: %d polls, want %d", time.Since(began), n, polls)
				}
				s.answer(`{"status":"pending","expires_at":"2026-01-01T01:00:00.000Z"}`)
			}
		}
		if got := phases(h.states); got != "connecting pairing" {
			t.Fatalf("callbacks: %q", got)
		}
		h.pass(10 * time.Second)
		s.answer(`{"status":"pending","expires_at":"2026-01-01T02:00:00.000Z"}`)
		if got := h.phase(Pairing).Pairing.ExpiresAt.String(); got != "2026-01-01T02:00:00.000Z" {
			t.Fatalf("expires at %s", got)
		}
		h.client.Stop()
	})
}

func TestPollIntervalWithinReason(t *testing.T) {
	t.Parallel()
	for ms, want := range map[string]time.Duration{
		"0": 2 * time.Second, "-4": 2 * time.Second, "1": 500 * time.Millisecond,
		"3000": 3 * time.Second, "9000000000000000": time.Minute,
	} {
		t.Run(ms, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				h.reach(connecting).answer(`{"status":"pending_pairing","pairing_code":"X","poll_interval_ms":` + ms + `}`)
				if got := h.phase(Pairing).Pairing.PollInterval; got != want {
					t.Fatalf("polls every %v, want %v", got, want)
				}
				h.client.Stop()
			})
		})
	}
}

// After an approval, learned by a poll or an event, the client connects again on the same
// socket, with the sender_id if it has one.
func TestApproved(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"poll", "event", "event while a poll is under way"} {
		for _, sender := range []string{`,"sender_id":"s-1"`, ``} {
			t.Run(how+sender, func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					h := start(t, protocol.ConnectParams{})
					s := h.reach(connecting)
					s.answer(`{"status":"pending_pairing","pairing_code":"X"` + sender + `}`)
					if how != "event" {
						h.pass(2 * time.Second)
					}
					poll := s.last()
					if how == "poll" {
						s.answer(`{"status":"approved"}`)
					} else {
						s.event("device.pair.resolved", `{"status":"approved"}`)
						s.sendText(`{"type":"res","id":"` + poll.ID + `","ok":true,"payload":{"status":"denied"}}`) // overtaken
					}
					if st := h.phase(Connecting); st.Pairing == nil {
						t.Error("the code went before the client was let in")
					}
					if r := s.last(); r.Method != "connect" || strings.Contains(string(r.Params), "s-1") != (sender != "") {
						t.Fatalf("said %+v", r)
					}
					s.answer(welcomed)
					if st := h.phase(Ready); st.Pairing != nil {
						t.Error("a ready client shows a code")
					}
					if len(h.transport.sockets) != 1 {
						t.Error("another socket was opened")
					}
					h.client.Stop()
				})
			})
		}
	}
}

func TestPairingRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []string{protocol.PairingDenied, protocol.PairingExpired, protocol.PairingRevoked, protocol.PairingUnknown} {
		for _, how := range []string{"poll", "event", "error"} {
			t.Run(status+" by "+how, func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					h := start(t, protocol.ConnectParams{})
					s := h.reach(pairing)
					h.pass(2 * time.Second)
					switch how {
					case "poll":
						s.answer(`{"status":"` + status + `"}`)
					case "event":
						s.event("device.pair.resolved", `{"status":"`+status+`"}`)
					case "error":
						s.refuse(notPaired(status))
					}
					st := h.phase(Refused)
					if st.Err.Code != protocol.NotPaired || st.Err.Details.Status != status || st.Pairing != nil || s.code != 1000 {
						t.Fatalf("state %+v, socket closed with %d", st, s.code)
					}
					h.pass(time.Hour)
					h.phase(Refused)
					if len(h.transport.sockets) != 1 {
						t.Fatal("a refused pairing was asked for again by itself")
					}
					h.client.Start() // the person asks again
					if p := string(h.reach(connecting).last().Params); strings.Contains(p, "s-1") {
						t.Fatalf("the refused sender_id is used again: %s", p)
					}
					h.client.Stop()
				})
			})
		}
	}
}

func TestPollRefusedForNow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(pairing)
		h.pass(2 * time.Second)
		s.refuse(protocol.Exhausted("slow down", 8000))
		h.pass(8*time.Second - 1)
		if n := s.count(protocol.MethodPairingStatus); n != 1 {
			t.Fatalf("%d polls", n)
		}
		h.pass(1)
		if n := s.count(protocol.MethodPairingStatus); n != 2 {
			t.Fatalf("%d polls", n)
		}
		s.answer(`{"status":"a word from the future"}`)
		h.pass(2 * time.Second)
		if n := s.count(protocol.MethodPairingStatus); n != 3 {
			t.Fatalf("%d polls", n)
		}
		h.client.Stop()
	})
}

// The pairing code stays in the State while the gateway is out of reach. Afterwards the
// client connects with the same sender_id.
func TestPairingOutlivesTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		h.reach(pairing).end(1001, "shutting down")
		for range 4 {
			if p := h.phase(Waiting).Pairing; p == nil || p.Code != "ABCDEFGH" {
				t.Fatalf("pairing %+v", p)
			}
			h.client.TryNow()
			if p := h.phase(Connecting).Pairing; p == nil {
				t.Fatal("the code is gone")
			}
			h.socket().end(1006, "")
		}
		h.client.TryNow()
		if p := string(h.reach(connecting).last().Params); !strings.Contains(p, `"sender_id":"s-1"`) {
			t.Fatalf("connect %s", p)
		}
		h.socket().answer(`{"status":"pending_pairing","pairing_code":"ABCDEFGH"}`)
		if p := h.phase(Pairing).Pairing; p.SenderID != "s-1" {
			t.Fatal("the sender_id is gone")
		}
		h.client.Stop()
		if h.client.State().Pairing != nil {
			t.Fatal("a stopped client shows a code")
		}
	})
}

// On a ready connection, events about other devices' pairings reach the program.
func TestResolvedElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		h.reach(ready).event("device.pair.resolved", `{"status":"denied","code":"X"}`)
		h.phase(Ready)
		if len(h.events) != 1 {
			t.Fatalf("reported %v", h.events)
		}
		h.client.Stop()
	})
}
