package session_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// TestMain allows for the clock that the highlighter's regular expressions keep
// for a second after their last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

var (
	ann  = session.Caller{UserID: "ann", Role: protocol.Operator}
	ben  = session.Caller{UserID: "ben", Role: protocol.Operator}
	root = session.Caller{UserID: "root", Role: protocol.Admin}
)

// recorder keeps what was published of each session.
type recorder struct {
	mu        sync.Mutex
	bySession map[string][]session.Event
}

func (r *recorder) Publish(e session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bySession == nil {
		r.bySession = map[string][]session.Event{}
	}
	r.bySession[e.SessionKey] = append(r.bySession[e.SessionKey], e)
}

// log gives what was published of a session since its log began anew.
func (r *recorder) log(key string) []session.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.bySession[key]
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Seq <= 1 {
			return events[i:]
		}
	}
	return events
}

func openStore(t testing.TB) session.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s.Sessions()
}

// house is a Service over a real store, with what it published.
type house struct {
	*session.Service
	store session.Store
	told  *recorder
}

func newHouse(t testing.TB) house { return houseOn(openStore(t)) }

func houseOn(store session.Store) house {
	told := &recorder{}
	return house{session.New(store, told), store, told}
}

// failer is what *testing.T, *testing.B and *rapid.T have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// try fails the test when a step that should succeed did not.
func try[T any](t failer, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

// refused fails unless err is a refusal with that code.
func refused(t failer, what string, err error, code protocol.Code) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func (h house) send(t failer, who session.Caller, key, text string) session.Sent {
	t.Helper()
	sent, err := h.Send(context.Background(), who, session.SendRequest{SessionKey: key, DefaultAgent: "demo", Message: text})
	return try(t, sent, err)
}

func (h house) begin(t failer, key string) session.Begun {
	t.Helper()
	b, err := h.Begin(context.Background(), key)
	return try(t, b, err)
}

func (h house) say(t failer, b session.Begun, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := h.Append(context.Background(), b, []session.Piece{{Text: text}}); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
}

func (h house) finish(t failer, b session.Begun, status session.RunStatus) {
	t.Helper()
	if err := h.Finish(context.Background(), b, session.Outcome{Status: status}); err != nil {
		t.Fatalf("finish: %v", err)
	}
}

// answered makes a message with its whole answer.
func (h house) answered(t failer, who session.Caller, key, question, answer string) session.Sent {
	t.Helper()
	sent := h.send(t, who, key, question)
	b := h.begin(t, sent.SessionKey)
	h.say(t, b, answer)
	h.finish(t, b, session.RunCompleted)
	return sent
}

func (h house) history(t failer, key string) []protocol.Message {
	t.Helper()
	p, err := h.History(context.Background(), root, key, 0, protocol.MaxHistoryLimit)
	return try(t, p, err).Messages
}

// walk gives the transcript page by page.
func (h house) walk(t failer, key string, limit int) (messages []protocol.Message) {
	t.Helper()
	var before int64
	for {
		p, err := h.History(context.Background(), root, key, before, limit)
		try(t, p, err)
		messages = append(append([]protocol.Message{}, p.Messages...), messages...)
		if !p.HasMore {
			return messages
		}
		if len(p.Messages) == 0 {
			t.Fatalf("a page before %d is empty, and there should be more", before)
		}
		before = p.Messages[0].Seq
	}
}

func encoded(messages []protocol.Message) (texts []string) {
	for i := range messages {
		texts = append(texts, string(messages[i].AppendJSON(nil)))
	}
	return texts
}

// checkLog fails unless the session's stored log is gapless, is what was
// published, and folds to the transcript that the store gives.
func (h house) checkLog(t failer, key string) session.Record {
	t.Helper()
	rec, err := h.Find(context.Background(), root, key)
	try(t, rec, err)
	var stored []session.StoredEvent
	err = h.store.View(context.Background(), func(tx session.Tx) (err error) {
		stored, err = tx.Events(rec.ID, 0, 1<<30)
		return err
	})
	try(t, stored, err)
	if int64(len(stored)) != rec.LastSeq {
		t.Fatalf("session %s has %d events, and its last seq is %d", key, len(stored), rec.LastSeq)
	}
	told := h.told.log(key)
	if len(told) != len(stored) {
		t.Fatalf("session %s has %d events, and %d were published", key, len(stored), len(told))
	}
	fold := timeline.New(key)
	for i, e := range stored {
		p := told[i]
		if e.Seq != int64(i+1) || p.Seq != e.Seq || p.Name != e.Name || p.Kind != e.Kind || p.RunID != e.RunID ||
			!bytes.Equal(p.Payload, e.Payload) || p.UserID != rec.UserID {
			t.Fatalf("event %d of %s is stored as %+v and published as %+v", i+1, key, e, p)
		}
		if outcome, _ := fold.Apply(timeline.Event{Name: e.Name, Seq: e.Seq, Payload: e.Payload}); outcome != timeline.Applied {
			t.Fatalf("event %d of %s: the fold's outcome is %d\n%s", e.Seq, key, outcome, e.Payload)
		}
	}
	if c := fold.Cursor(); c.Epoch != rec.Epoch || c.AfterSeq != rec.LastSeq {
		t.Fatalf("the fold is at %+v, the session at %s, %d", c, rec.Epoch, rec.LastSeq)
	}
	var folded []protocol.Message
	for _, m := range fold.Messages() {
		folded = append(folded, m.Message)
	}
	sameMessages(t, "the fold", folded, h.history(t, key))
	return rec
}

func sameMessages(t failer, what string, got, want []protocol.Message) {
	t.Helper()
	g, w := encoded(got), encoded(want)
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Fatalf("%s lacks message %d\n%s", what, i, w[i])
		case i >= len(w):
			t.Fatalf("%s has one message more\n%s", what, g[i])
		case g[i] != w[i]:
			t.Fatalf("%s has as message %d\n%s\nnot\n%s", what, i, g[i], w[i])
		}
	}
}
