//go:build !js

package client

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestCallsAreMatchedToTheirAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(ready)
		a := h.call("health", nil)
		b := h.call("agents.list", &protocol.Empty{})
		c := h.call("chat.history", &protocol.ChatHistoryParams{SessionKey: "k"})
		ids := []string{s.frames[1].ID, s.frames[2].ID, s.frames[3].ID}
		s.handler.Message(protocol.AppendError(nil, ids[2], protocol.Refuse(protocol.NotFound, "no such session")))
		s.handler.Message(protocol.AppendResult(nil, ids[0], rawPayload(`{"status":"ok"}`)))
		s.handler.Message(protocol.AppendResult(nil, ids[0], rawPayload(`{"status":"twice"}`)))
		s.handler.Message([]byte(`{"type":"res","id":"` + ids[1] + `","ok":false}`))
		synctest.Wait()
		if a.code(t) != "" || a.payload != `{"status":"ok"}` {
			t.Errorf("health: %+v", a)
		}
		if b.code(t) != protocol.Internal {
			t.Errorf("a refusal without an error: %+v", b)
		}
		if c.code(t) != protocol.NotFound {
			t.Errorf("chat.history: %+v", c)
		}
		h.client.Call("health", nil, nil)
		s.answer(`{}`)
		h.client.Stop()
	})
}

func TestCallsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]step{"dialing": dialing, "connecting": connecting, "pairing": pairing} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{})
				s := h.reach(at)
				sent := len(s.frames)
				if o := h.call("health", nil); o.code(t) != protocol.Unavailable || !o.err.Retryable {
					t.Errorf("%+v", o.err)
				}
				if len(s.frames) != sent {
					t.Error("it was sent")
				}
				h.client.Stop()
			})
		})
	}
	t.Run("too big", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			s := h.reach(ready)
			empty := len(protocol.AppendRequest(nil, "2", "chat.send", &protocol.ChatSendParams{}))
			fits := strings.Repeat("x", protocol.MaxFrameBytes-empty)
			if o := h.call("chat.send", &protocol.ChatSendParams{Message: fits}); o.times != 0 {
				t.Errorf("a frame of exactly the limit: %+v", o.err)
			}
			o := h.call("chat.send", &protocol.ChatSendParams{Message: fits + "x"})
			if o.code(t) != protocol.InvalidRequest || o.err.Retryable || len(s.frames) != 2 {
				t.Errorf("a frame over the limit: %+v, %d frames sent", o.err, len(s.frames))
			}
			h.client.Stop()
		})
	})
	t.Run("too many", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := start(t, protocol.ConnectParams{})
			s := h.reach(ready)
			var first *outcome
			for range maxCalls {
				if o := h.call("health", nil); first == nil {
					first = o
				}
			}
			if o := h.call("health", nil); o.code(t) != protocol.ResourceExhausted || o.err.RetryAfterMs <= 0 {
				t.Errorf("%+v", o.err)
			}
			s.answer(`{}`)
			if o := h.call("health", nil); o.times != 0 {
				t.Errorf("refused although there is room: %+v", o.err)
			}
			h.client.Stop()
			if first.code(t) != protocol.Unavailable {
				t.Errorf("%+v", first.err)
			}
		})
	})
}

// If the peer closes with 1009, the call with the largest frame fails.
func TestTooBigForTheOtherSide(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(ready)
		small := h.call("health", nil)
		big := h.call("chat.send", &protocol.ChatSendParams{Message: strings.Repeat("x", 70_000)})
		after := h.call("agents.list", nil)
		s.end(1009, "")
		h.phase(Waiting)
		if small.code(t) != protocol.Unavailable || after.code(t) != protocol.Unavailable {
			t.Errorf("%v, %v", small.err, after.err)
		}
		if big.code(t) != protocol.InvalidRequest || big.err.Retryable {
			t.Errorf("%+v", big.err)
		}
		h.client.TryNow()
		if s := h.reach(ready); len(s.frames) != 1 {
			t.Error("something was sent again")
		}
		h.client.Stop()
	})
}

func TestLostCallsFailInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		h.reach(ready)
		var order []int
		for i := range 20 {
			h.client.Call("health", nil, func(jsontext.Raw, *protocol.Error) { order = append(order, i) })
		}
		h.client.Stop()
		for i, n := range order {
			if i != n {
				t.Fatalf("failed in order %v", order)
			}
		}
		if len(order) != 20 {
			t.Fatalf("%d of 20 were answered", len(order))
		}
	})
}
