package session_test

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// client follows a session by replays from its cursor.
type client struct {
	key    string
	shown  *timeline.Timeline
	resets int
}

func newClient(key string) *client { return &client{key: key, shown: timeline.New(key)} }

// load loads the history.
func (c *client) load(t failer, h testService) {
	t.Helper()
	for range 2 {
		p, err := h.History(context.Background(), root.To(c.key), 0, protocol.MaxHistoryLimit)
		try(t, p, err)
		if c.shown.Load(protocol.ChatHistoryResult{
			SessionKey: c.key, Messages: p.Messages, Epoch: p.Session.Epoch,
			LastSeq: p.Session.LastSeq, HasMore: p.HasMore,
		}) {
			return
		}
	}
	t.Fatalf("two histories of %s were not taken", c.key)
}

// step replays once and applies the events. After a reset, it loads the history.
func (c *client) step(t failer, h testService, limit session.Span) session.Replay {
	t.Helper()
	at := c.shown.Cursor()
	r, err := h.Replay(context.Background(), root.To(c.key), at.Epoch, at.AfterSeq, limit)
	try(t, r, err)
	if r.Reset {
		if len(r.Events) > 0 {
			t.Fatalf("a reset with %d events", len(r.Events))
		}
		c.resets++
		c.load(t, h)
		return r
	}
	for _, e := range r.Events {
		if outcome, _ := c.shown.Apply(timeline.Event{Name: e.Name, Seq: e.Seq,
			Payload: e.Payload}); outcome != timeline.Applied {
			t.Fatalf("event %d after %d: outcome %d\n%s", e.Seq, at.AfterSeq, outcome, e.Payload)
		}
	}
	return r
}

// catchUp replays until there are no more events.
func (c *client) catchUp(t failer, h testService, limit session.Span) {
	t.Helper()
	for {
		r := c.step(t, h, limit)
		switch at := c.shown.Cursor().AfterSeq; {
		case at == r.Session.LastSeq:
			return
		case len(r.Events) == 0 && !r.Reset:
			t.Fatalf("there is nothing after %d of %d", at, r.Session.LastSeq)
		}
	}
}

// checkReplay fails unless the replay from that cursor is correct, from the cache and
// from the store.
func (h testService) checkReplay(t failer, key, epoch string, after int64,
	limit session.Span) session.Replay {
	t.Helper()
	r, err := h.Replay(context.Background(), root.To(key), epoch, after, limit)
	try(t, r, err)
	fromStore, err := h.cold.Replay(context.Background(), root.To(key), epoch, after, limit)
	try(t, fromStore, err)
	if !sameReplay(r, fromStore) {
		t.Fatalf("after %d (%+v) the answer is\n%+v\nand the store's\n%+v", after, limit, r,
			fromStore)
	}
	rec, err := h.Find(context.Background(), root.To(key))
	try(t, rec, err)
	if want := (session.Record{ID: rec.ID, Key: key, UserID: rec.UserID, Epoch: rec.Epoch,
		LastSeq: rec.LastSeq}); r.Session != want {
		t.Fatalf("the session is given as %+v, want %+v", r.Session, want)
	}
	if reset := epoch != "" && epoch != rec.Epoch || after > rec.LastSeq ||
		after < rec.Floor; reset != r.Reset {
		t.Fatalf("after %d of epoch %q, reset is %v; the log is %+v", after, epoch, r.Reset, rec)
	}
	var want []session.StoredEvent
	size := 0
	for _, e := range h.stored(t, rec.ID) {
		if e.Seq <= after || r.Reset {
			continue
		}
		if size += len(e.Payload); len(want) == limit.Events || len(want) > 0 && size > limit.Bytes {
			break
		}
		want = append(want, e)
	}
	if len(r.Events) != len(want) || len(want) > 0 && !reflect.DeepEqual(r.Events, want) {
		t.Fatalf("after %d (%+v) there are %d events, want %d", after, limit, len(r.Events),
			len(want))
	}
	return r
}

// sameReplay reports whether two replays are equal.
func sameReplay(a, b session.Replay) bool {
	return a.Session == b.Session && a.Reset == b.Reset && len(a.Events) == len(b.Events) &&
		(len(a.Events) == 0 || reflect.DeepEqual(a.Events, b.Events))
}

// checkAnswerText fails unless AnswerText is correct at every nth valid seq of the log,
// and around the floor.
func (h testService) checkAnswerText(t failer, key, runID string, every int64) {
	t.Helper()
	rec, err := h.Find(context.Background(), root.To(key))
	try(t, rec, err)
	published := h.published.log(key)
	moved := int64(0) // the seq of the last event that says that the text was thinking
	for i, e := range published {
		if _, was := textOf(t, e, runID); was {
			moved = int64(i) + 1
		}
	}
	want := ""
	for through := int64(0); through <= rec.LastSeq; through++ {
		if through > 0 {
			text, wasThinking := textOf(t, published[through-1], runID)
			if wasThinking {
				want = ""
			}
			want += text
		}
		if through%every > 0 && (through < rec.Floor-1 || through > rec.Floor+1) {
			continue
		}
		got, err := h.AnswerText(context.Background(), key, rec.Epoch, runID, through)
		if (through < rec.Floor || rec.Floor > 0 && through < moved) && errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil || got != want {
			t.Fatalf("through %d (floor %d) the text of run %s is %q (%v), want %q", through, rec.Floor,
				runID, got, err, want)
		}
	}
}

// textOf returns the text that an event adds to the answer of a run, and whether the event
// says that the text before was thinking.
func textOf(t failer, e session.Event, runID string) (text string, wasThinking bool) {
	t.Helper()
	switch {
	case e.RunID != runID:
	case e.Kind == protocol.RunChunk:
		return chunkOf(t, e.Payload), false
	case e.Kind == protocol.RunThinking:
		return "", strings.Contains(string(e.Payload), `"textWasThinking":true`)
	}
	return "", false
}

// chunkOf returns the text of a chunk event.
func chunkOf(t failer, payload []byte) string {
	t.Helper()
	var e protocol.AgentEvent
	var text protocol.TextPayload
	if err := errors.Join(protocol.Decode(payload, &e),
		protocol.Decode(e.Payload, &text)); err != nil {
		t.Fatalf("a chunk: %v", err)
	}
	return text.Content
}
