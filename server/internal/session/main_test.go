package session_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// TestMain ignores the clock goroutine of the highlighter's regular expressions, which
// ends a second after the last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

var (
	ann  = session.Caller{UserID: "ann", Role: protocol.Operator}
	ben  = session.Caller{UserID: "ben", Role: protocol.Operator}
	root = session.Caller{UserID: "root", Role: protocol.Admin}
)

// recorder is a Publisher that keeps the events of each session.
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

// count returns the number of published events.
func (r *recorder) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, events := range r.bySession {
		n += len(events)
	}
	return n
}

// log returns the published events of a session's current log.
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
	s, _ := openStores(t)
	return s
}

// testService is a Service on a real store, with what it has published. cold is a second
// Service on the store, whose cache is empty.
type testService struct {
	*session.Service
	cold      *session.Service
	store     session.Store
	published *recorder
}

func newTestService(t testing.TB) testService { return newTestServiceOn(openStore(t)) }

func newTestServiceOn(store session.Store) testService { return newTestServiceWith(store, noLimit) }

func newTestServiceWith(store session.Store, settings setting.Live[session.Settings]) testService {
	published := &recorder{}
	service := session.New(store, published, settings)
	service.PlainLine = func(message string) string { return strings.TrimPrefix(message, "# ") }
	return testService{service, session.New(store, storetest.DiscardEvents{}, settings), store, published}
}

// noLimit are the default settings.
var noLimit = setting.Fixed(session.Settings{})

// holder is the holder of runs, unless a test has several.
const holder = "h"

// failer has the methods that *testing.T, *testing.B and *rapid.T share.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// try returns v, or fails the test if there is an error.
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

func (h testService) send(t failer, who session.Caller, key, text string) session.Sent {
	t.Helper()
	sent, err := h.Send(context.Background(), who.To(key),
		session.SendRequest{DefaultAgent: "demo", Message: text})
	return try(t, sent, err)
}

func (h testService) begin(t failer, key string) session.StartedRun {
	t.Helper()
	b, err := h.Begin(context.Background(), key, holder)
	return try(t, b, err)
}

func (h testService) say(t failer, b session.StartedRun, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := h.Append(context.Background(), b, []session.Piece{{Text: text}}); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
}

func (h testService) finish(t failer, b session.StartedRun, status session.RunStatus) {
	t.Helper()
	if err := h.Finish(context.Background(), b, session.Outcome{Status: status}); err != nil {
		t.Fatalf("finish: %v", err)
	}
}

// answered sends a message and completes its answer.
func (h testService) answered(t failer, who session.Caller, key, question,
	answer string) session.Sent {
	t.Helper()
	sent := h.send(t, who, key, question)
	b := h.begin(t, sent.SessionKey)
	h.say(t, b, answer)
	h.finish(t, b, session.RunCompleted)
	return sent
}

func (h testService) history(t failer, key string) []protocol.Message {
	t.Helper()
	p, err := h.History(context.Background(), root.To(key), 0, protocol.MaxHistoryLimit)
	return try(t, p, err).Messages
}

// walk reads the transcript page by page.
func (h testService) walk(t failer, key string, limit int) (messages []protocol.Message) {
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

// stored returns the log of a session from the store.
func (h testService) stored(t failer, id int64) (events []session.StoredEvent) {
	t.Helper()
	err := h.store.View(context.Background(), func(tx session.Tx) (err error) {
		events, err = tx.Events(id, 0, session.Span{Events: 1 << 30, Bytes: 1 << 40})
		return err
	})
	return try(t, events, err)
}

// piece reports whether e is a piece of an answer, which Compact may remove.
func piece(e session.Event) bool {
	return e.Kind == protocol.RunChunk || e.Kind == protocol.RunThinking ||
		e.Kind == protocol.RunActivity
}

// checkLog fails unless the stored log has no gaps and is what was published, except
// compacted pieces, and the published events produce the stored transcript.
func (h testService) checkLog(t failer, key string) session.Record {
	t.Helper()
	rec, err := h.Find(context.Background(), root.To(key))
	try(t, rec, err)
	stored, published := h.stored(t, rec.ID), h.published.log(key)
	if int64(len(published)) != rec.LastSeq {
		t.Fatalf("of session %s %d events were published, and its last seq is %d", key, len(published),
			rec.LastSeq)
	}
	fold := timeline.New(key)
	for i, p := range published {
		if p.Seq != int64(i+1) || p.UserID != rec.UserID || p.Epoch != rec.Epoch {
			t.Fatalf("event %d of %s is published as %+v", i+1, key, p)
		}
		if outcome, _ := fold.Apply(timeline.Event{Name: p.Name, Seq: p.Seq,
			Payload: p.Payload}); outcome != timeline.Applied {
			t.Fatalf("event %d of %s: the fold's outcome is %d\n%s", p.Seq, key, outcome, p.Payload)
		}
		if len(stored) == 0 || stored[0].Seq != p.Seq {
			if p.Seq > rec.Floor || !piece(p) {
				t.Fatalf("event %d of %s (%s %s) is not stored, and the floor is %d", p.Seq, key,
					p.Name, p.Kind, rec.Floor)
			}
			continue
		}
		if e := stored[0]; p.Name != e.Name || p.Kind != e.Kind || p.RunID != e.RunID ||
			!bytes.Equal(p.Payload, e.Payload) {
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
