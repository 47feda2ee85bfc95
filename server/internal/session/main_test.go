package session_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
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

// count is how many events were published.
func (r *recorder) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, events := range r.bySession {
		n += len(events)
	}
	return n
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

// nobody is told of anything.
type nobody struct{}

func (nobody) Publish(session.Event) {}

func openStore(t testing.TB) session.Store {
	t.Helper()
	s, _ := openFiling(t)
	return s
}

// house is a Service over a real store, with what it published. It knows the
// ends of its logs; cold is one that asks the store.
type house struct {
	*session.Service
	cold  *session.Service
	store session.Store
	told  *recorder
}

func newHouse(t testing.TB) house { return houseOn(openStore(t)) }

func houseOn(store session.Store) house { return houseWith(store, anyNumber) }

func houseWith(store session.Store, settings setting.Live[session.Settings]) house {
	told := &recorder{}
	return house{session.New(store, told, settings), session.New(store, nobody{}, settings), store, told}
}

// anyNumber of runs is what the configuration allows by default.
var anyNumber = setting.Fixed(session.Settings{})

// holder answers where a test names nobody.
const holder = "h"

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
	sent, err := h.Send(context.Background(), who.To(key), session.SendRequest{DefaultAgent: "demo", Message: text})
	return try(t, sent, err)
}

func (h house) begin(t failer, key string) session.Begun {
	t.Helper()
	b, err := h.Begin(context.Background(), key, holder)
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
	p, err := h.History(context.Background(), root.To(key), 0, protocol.MaxHistoryLimit)
	return try(t, p, err).Messages
}

// walk gives the transcript page by page.
func (h house) walk(t failer, key string, limit int) (messages []protocol.Message) {
	t.Helper()
	var before int64
	for {
		p, err := h.History(context.Background(), root.To(key), before, limit)
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

// stored gives a session's log as the store has it.
func (h house) stored(t failer, id int64) (events []session.StoredEvent) {
	t.Helper()
	err := h.store.View(context.Background(), func(tx session.Tx) (err error) {
		events, err = tx.Events(id, 0, session.Span{Events: 1 << 30, Bytes: 1 << 40})
		return err
	})
	return try(t, events, err)
}

// piece reports whether it is one of the events that an answer is made of, which
// may be folded into its message.
func piece(e session.Event) bool {
	return e.Kind == protocol.RunChunk || e.Kind == protocol.RunThinking || e.Kind == protocol.RunActivity
}

// checkLog fails unless the session's stored log is gapless, is what was
// published, but for pieces up to its floor, and what was published folds to the
// transcript that the store gives.
func (h house) checkLog(t failer, key string) session.Record {
	t.Helper()
	rec, err := h.Find(context.Background(), root.To(key))
	try(t, rec, err)
	stored, told := h.stored(t, rec.ID), h.told.log(key)
	if int64(len(told)) != rec.LastSeq {
		t.Fatalf("of session %s %d events were published, and its last seq is %d", key, len(told), rec.LastSeq)
	}
	fold := timeline.New(key)
	for i, p := range told {
		if p.Seq != int64(i+1) || p.UserID != rec.UserID || p.Epoch != rec.Epoch {
			t.Fatalf("event %d of %s is published as %+v", i+1, key, p)
		}
		if outcome, _ := fold.Apply(timeline.Event{Name: p.Name, Seq: p.Seq, Payload: p.Payload}); outcome != timeline.Applied {
			t.Fatalf("event %d of %s: the fold's outcome is %d\n%s", p.Seq, key, outcome, p.Payload)
		}
		if len(stored) == 0 || stored[0].Seq != p.Seq {
			if p.Seq > rec.Floor || !piece(p) {
				t.Fatalf("event %d of %s (%s %s) is not stored, and the floor is %d", p.Seq, key, p.Name, p.Kind, rec.Floor)
			}
			continue
		}
		if e := stored[0]; p.Name != e.Name || p.Kind != e.Kind || p.RunID != e.RunID || !bytes.Equal(p.Payload, e.Payload) {
			t.Fatalf("event %d of %s is stored as %+v and published as %+v", i+1, key, e, p)
		}
		stored = stored[1:]
	}
	if len(stored) > 0 {
		t.Fatalf("event %d of %s is stored and was never published", stored[0].Seq, key)
	}
	if c := fold.Cursor(); c.Epoch != rec.Epoch || c.AfterSeq != rec.LastSeq {
		t.Fatalf("the fold is at %+v, the session at %s, %d", c, rec.Epoch, rec.LastSeq)
	}
	sameMessages(t, "the fold", transcript(fold), h.history(t, key))
	return rec
}

func transcript(l *timeline.Timeline) (messages []protocol.Message) {
	for _, m := range l.Messages() {
		messages = append(messages, m.Message)
	}
	return messages
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
