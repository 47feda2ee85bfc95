package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// errCrashed is the error of a crashStore after its crash.
var errCrashed = errors.New("the process is dead")

// crashStore is a store that fails after some steps, as if the process had crashed. A
// step is an operation of a transaction, the moment before its commit, or the moment
// after it. In the last case, everything is stored, but the caller gets an error.
type crashStore struct {
	session.Store
	left    int // the number of steps before the crash
	crashed bool
}

// step counts a step. It returns errCrashed if the process has crashed.
func (m *crashStore) step() error {
	if m.left--; m.left < 0 {
		m.crashed = true
	}
	if m.crashed {
		return errCrashed
	}
	return nil
}

func (m *crashStore) Update(ctx context.Context, fn func(session.Tx) error) error {
	if m.crashed {
		return errCrashed
	}
	err := m.Store.Update(ctx, func(tx session.Tx) error {
		if err := fn(crashTx{tx, m}); err != nil || m.crashed {
			return errors.Join(err, m.crashError())
		}
		return m.step()
	})
	if err != nil {
		return err
	}
	return m.step()
}

func (m *crashStore) View(ctx context.Context, fn func(session.Tx) error) error {
	if m.crashed {
		return errCrashed
	}
	err := m.Store.View(ctx, func(tx session.Tx) error { return fn(crashTx{tx, m}) })
	return errors.Join(err, m.crashError())
}

// crashError returns errCrashed if the process has crashed.
func (m *crashStore) crashError() error {
	if m.crashed {
		return errCrashed
	}
	return nil
}

// crashTx counts its operations as steps. Operations without a method here are not
// counted.
type crashTx struct {
	session.Tx
	m *crashStore
}

// stepped counts a step, and then calls do.
func stepped[T any](tx crashTx, do func() (T, error)) (v T, err error) {
	if err := tx.m.step(); err != nil {
		return v, err
	}
	return do()
}

// does is stepped for an operation that returns only an error.
func (tx crashTx) does(do func() error) error {
	_, err := stepped(tx, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (tx crashTx) Session(key string) (session.Record, error) {
	return stepped(tx, func() (session.Record, error) { return tx.Tx.Session(key) })
}

func (tx crashTx) SessionByID(id int64) (session.Record, error) {
	return stepped(tx, func() (session.Record, error) { return tx.Tx.SessionByID(id) })
}

func (tx crashTx) SaveSession(r *session.Record) error {
	return tx.does(func() error { return tx.Tx.SaveSession(r) })
}

func (tx crashTx) Advance(id int64, runID string, n int) (int64, error) {
	return stepped(tx, func() (int64, error) { return tx.Tx.Advance(id, runID, n) })
}

func (tx crashTx) ClearSession(id int64) error {
	return tx.does(func() error { return tx.Tx.ClearSession(id) })
}

func (tx crashTx) AppendEvent(id int64, e session.StoredEvent) error {
	return tx.does(func() error { return tx.Tx.AppendEvent(id, e) })
}

func (tx crashTx) RunEvents(id int64, runID string, after,
	through int64) ([]session.StoredEvent, error) {
	return stepped(tx, func() ([]session.StoredEvent, error) { return tx.Tx.RunEvents(id, runID, after, through) })
}

func (tx crashTx) RemovePieces(r session.Run, after int64,
	limit int) (removed int, last int64, err error) {
	if err := tx.m.step(); err != nil {
		return 0, 0, err
	}
	return tx.Tx.RemovePieces(r, after, limit)
}

func (tx crashTx) Uncompacted(endedBefore time.Time, limit int) ([]session.Run, error) {
	return stepped(tx, func() ([]session.Run, error) { return tx.Tx.Uncompacted(endedBefore, limit) })
}

func (tx crashTx) SaveMessage(id int64, m session.Message) error {
	return tx.does(func() error { return tx.Tx.SaveMessage(id, m) })
}

func (tx crashTx) Message(id int64, messageID string) (session.Message, error) {
	return stepped(tx, func() (session.Message, error) { return tx.Tx.Message(id, messageID) })
}

func (tx crashTx) SaveRun(r session.Run) error {
	return tx.does(func() error { return tx.Tx.SaveRun(r) })
}

func (tx crashTx) Run(id string) (session.Run, error) {
	return stepped(tx, func() (session.Run, error) { return tx.Tx.Run(id) })
}

func (tx crashTx) ActiveRuns(id int64) ([]session.Run, error) {
	return stepped(tx, func() ([]session.Run, error) { return tx.Tx.ActiveRuns(id) })
}

func (tx crashTx) UserRuns(userID string) (int, error) {
	return stepped(tx, func() (int, error) { return tx.Tx.UserRuns(userID) })
}

func (tx crashTx) Send(userID, key string) (session.Send, error) {
	return stepped(tx, func() (session.Send, error) { return tx.Tx.Send(userID, key) })
}

func (tx crashTx) SaveSend(s session.Send) error {
	return tx.does(func() error { return tx.Tx.SaveSend(s) })
}

// storedChecker is a Publisher that fails unless each event is in the store.
type storedChecker struct {
	t     *rapid.T
	store session.Store
}

func (w storedChecker) Publish(e session.Event) {
	var stored []session.StoredEvent
	err := w.store.View(context.Background(), func(tx session.Tx) error {
		rec, err := tx.Session(e.SessionKey)
		if err == nil && e.Seq > 0 {
			stored, err = tx.Events(rec.ID, e.Seq-1, session.Span{Events: 1, Bytes: 1})
		}
		return err
	})
	if err != nil || e.Seq > 0 &&
		(len(stored) != 1 || stored[0].Seq != e.Seq ||
			string(stored[0].Payload) != string(e.Payload)) {
		w.t.Fatalf("published before it was stored: %+v; there is %+v (%v)", e, stored, err)
	}
}

// Whenever a process crashes, even while it recovers from a crash, everything
// acknowledged is stored, the change that was under way is stored completely or not at
// all, and the next process recovers.
func TestAnyCrashPoint(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	testCases, crashes := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		testCases++
		l := &crashTest{t: t, store: store, name: fmt.Sprintf("crashTest-%d", testCases),
			asks: map[string]ask{}, sent: map[string]session.Sent{}}
		defer l.endRuns()
		for range rapid.IntRange(1, 3).Draw(t, "processes") {
			if l.runProcess() {
				crashes++
			}
		}
		l.runLastProcess()
	})
	if crashes < testCases/4 {
		t.Errorf("only %d processes crashed in %d test cases", crashes, testCases)
	}
}

// crashTest has the successive processes on one store, and what they have acknowledged.
type crashTest struct {
	t       *rapid.T
	store   session.Store
	name    string
	service *session.Service
	running []session.StartedRun    // begun by the current process
	asks    map[string]ask          // every send and retry, by idempotency key
	sent    map[string]session.Sent // the acknowledged asks, by idempotency key
	tries   int                     // the number of steps so far, for unique texts
	process int                     // the number of the current process
}

// ask is a send or a retry, which any process can repeat.
type ask struct {
	key  string // of the session
	text string // of the message; empty for a retry
	do   func() (session.Sent, error)
}

// holder returns the holder of the current process.
func (l *crashTest) holder() string { return fmt.Sprint("process ", l.process) }

// keys returns the keys of the sessions.
func (l *crashTest) keys() []string { return []string{l.name + "-a", l.name + "-b"} }

// runProcess runs a process that recovers and makes some changes. It reports whether the
// process crashed.
func (l *crashTest) runProcess() (crashed bool) {
	steps := rapid.IntRange(0, 40).Draw(l.t, "steps before the crash")
	// uncounted is the number of changes before steps are counted; -1 counts the
	// recovery, too.
	uncounted := rapid.IntRange(-1, 12).Draw(l.t, "uncounted changes")
	m := &crashStore{Store: l.store, left: 1 << 30}
	if uncounted < 0 {
		m.left = steps
	}
	l.process++
	l.service, l.running = session.New(m, storedChecker{l.t, l.store}, noLimit), nil
	if _, _, err := l.service.Recover(context.Background(), l.holder(), true); err != nil {
		l.expectCrash(m, err)
		return true
	}
	for i := range max(uncounted, 0) + 6 {
		d, before := l.draw(), ""
		if i == uncounted {
			m.left = steps
		}
		if i >= uncounted {
			before = l.dump()
		}
		err := d.do()
		if m.crashed {
			l.expectCrash(m, err)
			if !d.inParts && l.dump() != before && !d.done() {
				l.t.Fatalf("%s is stored in part: %s", d.what,
					difference(before, l.dump()))
			}
			return true
		}
		l.check(d, err)
	}
	return false
}

// check checks the result of a step.
func (l *crashTest) check(d step, err error) {
	var refusal *protocol.Error
	switch {
	case err == nil && !d.done():
		l.t.Fatalf("%s was acknowledged and is not stored:\n%s", d.what, l.dump())
	case err != nil && !errors.As(err, &refusal) && !errors.Is(err, store.ErrNotFound) &&
		!errors.Is(err, session.ErrRunEnded):
		l.t.Fatalf("%s: %v", d.what, err)
	}
}

// expectCrash fails unless the process crashed and err says so.
func (l *crashTest) expectCrash(m *crashStore, err error) {
	if !m.crashed || !errors.Is(err, errCrashed) {
		l.t.Fatalf("crashed: %v, and the error is %v", m.crashed, err)
	}
}

// step is a change that is atomic, or consists of atomic parts.
type step struct {
	what    string
	do      func() error
	done    func() bool // whether the change is stored
	inParts bool        // whether a crash may leave a part of the change
}

// draw draws the next step.
func (l *crashTest) draw() step {
	key := rapid.SampledFrom(l.keys()).Draw(l.t, "session")
	what := rapid.SampledFrom([]string{"", "", "", "", "send", "begin", "append", "finish",
		"retry", "compact", "withdraw", "inject", "patch", "reset", "delete"}).Draw(l.t, "step")
	active := l.active(key)
	var b session.StartedRun
	for _, begun := range l.running { // the runs may have ended
		if b = begun; len(active) > 0 && b.Run.ID == active[0].ID {
			break
		}
	}
	if what == "" {
		what = l.next(active)
	}
	l.tries++
	mark := fmt.Sprintf("%s-%d", l.name, l.tries)
	switch {
	case what == "begin":
		return l.begin(key)
	case what == "append" && b.Key != "":
		return l.append(b, mark)
	case what == "finish" && b.Key != "":
		return l.finish(b)
	case what == "withdraw":
		return l.withdraw(key)
	case what == "retry":
		return l.retry(key, mark)
	case what == "compact":
		return l.compact()
	case what == "inject":
		return step{what: what,
			do:   func() error { return second(l.service.Inject(context.Background(), ann.To(key), mark, "")) },
			done: func() bool { return l.countMessages(key, mark) == 1 }}
	case what == "patch":
		return step{what: what,
			do:   func() error { return second(l.service.Patch(context.Background(), ann.To(key), &mark, nil)) },
			done: func() bool { return l.record(key).Label == mark }}
	case what == "reset":
		was := l.record(key)
		return step{what: what,
			do: func() error { return second(l.service.Reset(context.Background(), ann.To(key))) },
			done: func() bool {
				r := l.record(key)
				return r.Epoch != was.Epoch && r.LastSeq == 1 && len(l.messages(key)) == 0
			}}
	case what == "delete":
		return step{what: what,
			do: func() error { return l.service.Delete(context.Background(), ann.To(key)) },
			done: func() bool {
				r := l.record(key)
				return !r.DeletedAt.IsZero() && r.LastSeq == 0
			}}
	default:
		return l.send(key, mark)
	}
}

// second returns the error of a call with two results.
func second[T any](_ T, err error) error { return err }

// next draws the next change of a session.
func (l *crashTest) next(active []session.Run) string {
	switch {
	case len(active) == 0:
		return "send"
	case active[0].Status == session.RunQueued:
		return "begin"
	case rapid.IntRange(0, 3).Draw(l.t, "end") == 0:
		return "finish"
	default:
		return "append"
	}
}

// send sends a new message, or repeats one that was not acknowledged.
func (l *crashTest) send(key, mark string) step {
	if again := l.unanswered(); len(again) > 0 && rapid.Bool().Draw(l.t, "again") {
		mark = rapid.SampledFrom(again).Draw(l.t, "which")
	} else {
		text := "text of " + mark
		l.asks[mark] = ask{key, text, func() (session.Sent, error) {
			return l.service.Send(context.Background(), ann.To(key), session.SendRequest{
				DefaultAgent: "demo", Message: text, IdempotencyKey: mark})
		}}
	}
	return l.ask(mark)
}

// retry retries any run.
func (l *crashTest) retry(key, mark string) step {
	var ended []string
	for _, m := range l.messages(key) {
		if m.Role == protocol.FromAssistant && m.Status != protocol.StatusStreaming {
			ended = append(ended, m.RunID)
		}
	}
	if len(ended) == 0 {
		return l.send(key, mark)
	}
	run := rapid.SampledFrom(ended).Draw(l.t, "run to retry")
	l.asks[mark] = ask{key: key, do: func() (session.Sent, error) {
		return l.service.Retry(context.Background(), ann.To(key),
			session.RetryRequest{RunID: run, IdempotencyKey: mark})
	}}
	return l.ask(mark)
}

// ask makes the ask with that idempotency key, for the first time or again.
func (l *crashTest) ask(mark string) step {
	return step{what: "ask " + mark, do: func() error {
		sent, err := l.asks[mark].do()
		if err == nil {
			l.sent[mark] = sent
		}
		return err
	}, done: func() bool { return l.isStored(mark) }}
}

// compact removes the pieces of all runs that have ended; no transcript may
// change by that.
func (l *crashTest) compact() step {
	now := time.Now().Add(time.Hour)
	transcripts := func() (texts []string) {
		service := session.New(l.store, storetest.DiscardEvents{}, noLimit)
		for _, key := range l.keys() {
			if rec := l.record(key); rec.ID != 0 && rec.DeletedAt.IsZero() {
				texts = append(texts, encoded(storetest.Transcript(l.t, service, key))...)
			}
		}
		return texts
	}
	was := transcripts()
	return step{what: "compact", inParts: true, do: func() error {
		_, err := l.service.Compact(context.Background(), now)
		if is := transcripts(); !slices.Equal(is, was) {
			l.t.Fatalf("by compaction (%v) the transcripts became\n%s\nthey were\n%s", err, is, was)
		}
		return err
	}, done: func() bool {
		var left []session.Run
		l.view(func(tx session.Tx) (err error) { left, err = tx.Uncompacted(now, 1); return err })
		return len(left) == 0
	}}
}

// unanswered returns the idempotency keys of what was not acknowledged.
func (l *crashTest) unanswered() (keys []string) {
	for mark := range l.asks {
		if _, ok := l.sent[mark]; !ok {
			keys = append(keys, mark)
		}
	}
	slices.Sort(keys)
	return keys
}

func (l *crashTest) begin(key string) step {
	next := session.Run{}
	for _, r := range l.active(key) {
		if r.Status == session.RunQueued {
			next = r
			break
		}
	}
	return step{what: "begin", do: func() error {
		b, err := l.service.Begin(context.Background(), key, l.holder())
		if err == nil {
			l.running = append(l.running, b)
		}
		return err
	}, done: func() bool { return l.status(next.ID) == session.RunRunning }}
}

func (l *crashTest) append(b session.StartedRun, mark string) step {
	pieces := []session.Piece{{Text: mark + "-1"}, {Thinking: mark + "-2"},
		{Activity: &protocol.Activity{Phase: mark + "-3"}}, {Text: mark + "-4"}}
	pieces = pieces[:rapid.IntRange(1, len(pieces)).Draw(l.t, "pieces")]
	was := l.record(b.Key).LastSeq
	return step{what: "append",
		do: func() error { return l.service.Append(context.Background(), b, pieces) },
		done: func() bool {
			log := slices.DeleteFunc(l.log(b.Key),
				func(e session.StoredEvent) bool { return e.Seq <= was })
			for i, e := range log {
				if !strings.Contains(string(e.Payload), fmt.Sprintf("%s-%d", mark, i+1)) {
					return false
				}
			}
			return len(log) == len(pieces)
		}}
}

func (l *crashTest) finish(b session.StartedRun) step {
	o := rapid.SampledFrom([]session.Outcome{{Status: session.RunCompleted},
		{Status: session.RunCancelled},
		{Status: session.RunFailed, Code: protocol.Unavailable,
			Error: "It failed."}}).Draw(l.t, "outcome")
	return step{what: "finish",
		do:   func() error { return l.service.Finish(context.Background(), b, o) },
		done: func() bool { return l.status(b.Run.ID) == o.Status }}
}

func (l *crashTest) withdraw(key string) step {
	var queued []string
	for _, r := range l.active(key) {
		if r.Status == session.RunQueued {
			queued = append(queued, r.ID)
		}
	}
	return step{what: "withdraw",
		do: func() error {
			_, _, err := l.service.Withdraw(context.Background(), ann.To(key), "")
			return err
		},
		done: func() bool {
			return !slices.ContainsFunc(queued,
				func(id string) bool { return l.status(id) != session.RunCancelled })
		}}
}

// runLastProcess runs a process that does not crash: it recovers, repeats all asks, and
// answers all queued runs.
func (l *crashTest) runLastProcess() {
	ctx := context.Background()
	l.process++
	l.service = session.New(l.store, storedChecker{l.t, l.store}, noLimit)
	_, queued, err := l.service.Recover(ctx, l.holder(), true)
	if err != nil {
		l.t.Fatalf("recover: %v", err)
	}
	for _, key := range l.keys() {
		active := l.active(key)
		if slices.Contains(queued, key) != (len(active) > 0) || len(active) > 0 &&
			active[0].Status != session.RunQueued {
			l.t.Fatalf("%s has %+v after the recovery; queued are %v", key, active, queued)
		}
	}
	storetest.CheckConsistency(l.t, l.store)
	if again, _, err := l.service.Recover(ctx, l.holder(), true); err != nil || again != 0 {
		l.t.Fatalf("a second recovery ended %d runs (%v)", again, err)
	}
	for mark, sent := range l.sent {
		l.repeat(mark, &sent)
	}
	for _, mark := range l.unanswered() {
		l.repeat(mark, nil)
	}
	for _, key := range l.keys() {
		for {
			b, err := l.service.Begin(ctx, key, l.holder())
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err == nil {
				err = errors.Join(l.service.Append(ctx, b, []session.Piece{{Text: "answer"}}),
					l.service.Finish(ctx, b, session.Outcome{Status: session.RunCompleted}))
			}
			if err != nil {
				l.t.Fatalf("answer the queued runs of %s: %v", key, err)
			}
		}
	}
	storetest.CheckConsistency(l.t, l.store)
}

// repeat repeats an ask. It fails if the result is not the acknowledged one, before, or
// if the message is stored twice.
func (l *crashTest) repeat(mark string, before *session.Sent) {
	a, stored := l.asks[mark], l.isStored(mark)
	got, err := a.do()
	var refusal *protocol.Error
	if !stored && before == nil && errors.As(err, &refusal) {
		return // a full queue, or nothing to retry
	}
	if err != nil || got.Duplicate != stored || before != nil && !stored {
		l.t.Fatalf("%s, acknowledged as %+v, again: %+v (%v); was stored: %v", mark, before, got,
			err, stored)
	}
	if before != nil && (got.RunID != before.RunID || got.MessageID != before.MessageID ||
		got.Seq != before.Seq || got.Epoch != before.Epoch) {
		l.t.Fatalf("%s is %+v, and was acknowledged as %+v", mark, got, before)
	}
	if a.text == "" {
		return
	}
	// The message may have been removed with the log, but must not be stored twice.
	if n, now := l.countMessages(a.key, a.text), l.record(a.key); n > 1 || n == 0 && got.Epoch == now.Epoch {
		l.t.Fatalf("%s is in the transcript %d times, of epoch %s: %+v", mark, n, now.Epoch, got)
	}
}

// endRuns ends all runs, so that none is left for the next test case.
func (l *crashTest) endRuns() {
	for _, key := range l.keys() {
		// it may be deleted already
		_ = session.New(l.store, storetest.DiscardEvents{}, noLimit).Delete(context.Background(),
			root.To(key))
	}
}

// view calls fn in a View. ErrNotFound is no failure.
func (l *crashTest) view(fn func(session.Tx) error) {
	if err := l.store.View(context.Background(), fn); err != nil &&
		!errors.Is(err, store.ErrNotFound) {
		l.t.Fatalf("%v", err)
	}
}

func (l *crashTest) record(key string) (rec session.Record) {
	l.view(func(tx session.Tx) (err error) { rec, err = tx.Session(key); return err })
	return rec
}

func (l *crashTest) active(key string) (runs []session.Run) {
	rec := l.record(key)
	if rec.ID == 0 {
		return nil
	}
	l.view(func(tx session.Tx) (err error) { runs, err = tx.ActiveRuns(rec.ID); return err })
	return runs
}

func (l *crashTest) log(key string) []session.StoredEvent {
	return storetest.Log(l.t, l.store, l.record(key))
}

func (l *crashTest) status(runID string) session.RunStatus {
	var run session.Run
	l.view(func(tx session.Tx) (err error) { run, err = tx.Run(runID); return err })
	return run.Status
}

func (l *crashTest) messages(key string) (all []session.Message) {
	rec := l.record(key)
	l.view(func(tx session.Tx) (err error) {
		all, _, err = tx.Messages(rec.ID, session.Place{},
			session.Bound{Messages: 1 << 20, Bytes: 1 << 30})
		return err
	})
	return all
}

// countMessages counts the messages with that content.
func (l *crashTest) countMessages(key, content string) (n int) {
	for _, m := range l.messages(key) {
		if m.Content == content {
			n++
		}
	}
	return n
}

// isStored reports whether an ask is stored: its idempotency key, and its message and run
// unless their log was cleared. It fails if only a part is stored.
func (l *crashTest) isStored(mark string) bool {
	var send session.Send
	var message session.Message
	var run session.Run
	var rec session.Record
	l.view(func(tx session.Tx) (err error) {
		if send, err = tx.Send(ann.UserID, mark); err != nil {
			return err
		}
		if rec, err = tx.Session(send.SessionKey); err != nil || rec.Epoch != send.Epoch {
			return err
		}
		if message, err = tx.Message(rec.ID, send.MessageID); err != nil {
			return err
		}
		run, err = tx.Run(send.RunID)
		return err
	})
	if send.Key == "" {
		return false
	}
	whole := run.ID == send.RunID && run.UserMessageID == message.ID &&
		message.ID == send.MessageID && send.Seq <= rec.LastSeq
	if text := l.asks[mark].text; text != "" {
		whole = whole && message.Content == text && message.Seq == send.Seq
	}
	if rec.Epoch == send.Epoch && !whole {
		l.t.Fatalf("of %+v there is %+v and %+v", send, message, run)
	}
	return true
}

// dump returns everything that is stored, as text.
func (l *crashTest) dump() string {
	var b strings.Builder
	for _, key := range l.keys() {
		rec := l.record(key)
		fmt.Fprintf(&b, "%+v\n", rec)
		if rec.ID == 0 {
			continue
		}
		for _, e := range l.log(key) {
			fmt.Fprintf(&b, "%d %s %s %s %s\n", e.Seq, e.Name, e.Kind, e.RunID, e.Payload)
		}
		for _, m := range l.messages(key) {
			fmt.Fprintf(&b, "%d %s\n", m.Anchor, m.AppendJSON(nil))
			l.view(func(tx session.Tx) error {
				r, err := tx.Run(m.RunID)
				fmt.Fprintf(&b, "%+v\n", r)
				return err
			})
		}
		fmt.Fprintf(&b, "%+v\n", l.active(key))
	}
	for _, mark := range slices.Sorted(maps.Keys(l.asks)) {
		if l.isStored(mark) {
			b.WriteString(mark)
		}
	}
	return b.String()
}

// difference returns the lines that are only in one of the texts.
func difference(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	isIn := func(from []string) func(string) bool {
		return func(line string) bool { return slices.Contains(from, line) }
	}
	return "\nfrom\n" + strings.Join(slices.DeleteFunc(slices.Clone(was), isIn(is)), "\n") +
		"\nto\n" + strings.Join(slices.DeleteFunc(is, isIn(was)), "\n")
}
