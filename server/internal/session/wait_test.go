package session_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestOnEndOutcome(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	ctx := t.Context()
	type calls struct{ before, after []session.Ended }
	watch := func(run string, into *[]session.Ended) {
		t.Helper()
		if err := h.OnEnd(ctx, run,
			func(e session.Ended) { *into = append(*into, e) }); err != nil {
			t.Fatal(err)
		}
	}
	check := func(name, run string, got *calls, want session.Ended) {
		t.Helper()
		watch(run, &got.after)
		for when, ended := range map[string][]session.Ended{"waiting": got.before,
			"later": got.after} {
			if len(ended) != 1 || ended[0] != want {
				t.Errorf("%s, %s: %+v, want %+v", name, when, ended, want)
			}
		}
	}

	outcome := session.Outcome{Status: session.RunCompleted,
		Usage: protocol.Usage{InputTokens: 1, OutputTokens: 2}}
	var completed calls
	sent := h.send(t, ann, "k", "Hi")
	watch(sent.RunID, &completed.before)
	b := h.begin(t, "k")
	h.say(t, b, "whole ", "answer")
	if len(completed.before) != 0 {
		t.Error("called before the end")
	}
	if err := h.Finish(ctx, b, outcome); err != nil {
		t.Fatal(err)
	}
	want := session.Ended{RunID: sent.RunID, SessionKey: "k", MessageID: b.Run.AnswerID,
		Outcome: outcome, Content: "whole answer"}
	check("completed", sent.RunID, &completed, want)

	outcome = session.Outcome{Status: session.RunFailed, Code: protocol.Unavailable,
		Error: "It is gone."}
	var failed calls
	sent = h.send(t, ann, "k", "Hi")
	watch(sent.RunID, &failed.before)
	b = h.begin(t, "k")
	h.say(t, b, "part")
	if err := h.Finish(ctx, b, outcome); err != nil {
		t.Fatal(err)
	}
	check("failed", sent.RunID, &failed,
		session.Ended{RunID: sent.RunID, SessionKey: "k", MessageID: b.Run.AnswerID,
			Outcome: outcome, Content: "part"})

	var withdrawn calls
	sent = h.send(t, ann, "k", "Hi")
	watch(sent.RunID, &withdrawn.before)
	if _, _, err := h.Withdraw(ctx, ann.To("k"), sent.RunID); err != nil {
		t.Fatal(err)
	}
	check("withdrawn", sent.RunID, &withdrawn,
		session.Ended{RunID: sent.RunID, SessionKey: "k",
			Outcome: session.Outcome{Status: session.RunCancelled}})
}

// A deleted session has no runs any more, and OnEnd says so.
func TestOnEndOfADeletedSession(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent := h.send(t, ann, "k", "Hi")
	var ended []session.Ended
	take := func(e session.Ended) { ended = append(ended, e) }
	if err := errors.Join(h.OnEnd(t.Context(), sent.RunID, take),
		h.Delete(t.Context(), ann.To("k")), h.OnEnd(t.Context(), sent.RunID, take)); err != nil {
		t.Fatal(err)
	}
	if len(ended) != 2 || ended[0].Outcome.Status != session.RunCancelled ||
		ended[1].Outcome.Code != protocol.NotFound {
		t.Errorf("called with %+v", ended)
	}
}

// If OnEnd returns an error, done is not called.
func TestOnEndFailsWhole(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	h := newTestServiceOn(store)
	sent := h.send(t, ann, "k", "Hi")
	store.noView.Store(true)
	called := false
	if err := h.OnEnd(t.Context(), sent.RunID,
		func(session.Ended) { called = true }); !errors.Is(err, errDisk) {
		t.Errorf("OnEnd: %v", err)
	}
	store.noView.Store(false)
	h.finish(t, h.begin(t, "k"), session.RunCompleted)
	if called {
		t.Error("called although it had failed")
	}
}

// However OnEnd and the end of the run interleave, each waiter is called exactly once.
func TestOnEndWhileTheRunEnds(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for range 40 {
		sent := h.send(t, ann, "k", "Hi")
		b := h.begin(t, "k")
		var calls [3]atomic.Int32
		var wg sync.WaitGroup
		for i := range calls {
			wg.Go(func() {
				if err := h.OnEnd(context.Background(), sent.RunID,
					func(session.Ended) { calls[i].Add(1) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := h.Finish(context.Background(), b,
				session.Outcome{Status: session.RunCompleted}); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		for i := range calls {
			if n := calls[i].Load(); n != 1 {
				t.Fatalf("a waiter was called %d times", n)
			}
		}
	}
}
