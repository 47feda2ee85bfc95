package session_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// countEnds counts the events that end a run.
func countEnds(events []session.StoredEvent, run string) (n int) {
	for _, e := range events {
		if e.RunID == run && (e.Kind == protocol.RunCompleted || e.Kind == protocol.RunFailed ||
			e.Kind == protocol.RunCancelled) {
			n++
		}
	}
	return n
}

// If several processes find an orphaned run at the same time, and even if its holder
// continues, the run ends once, with all its text.
func TestOrphanEndsOnce(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	owner := newTestServiceOn(store)
	for range 25 {
		sent := owner.send(t, ann, "", "question")
		key := sent.SessionKey
		b := owner.begin(t, key)
		owner.say(t, b, "some ", "words")
		owner.send(t, ann, key, "next")
		if err := owner.Renew(t.Context(), holder, time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		var ended, waited atomic.Int32
		var wg sync.WaitGroup
		for _, other := range []string{"a", "b", "c"} {
			// Each Service has its own locks and cache, as in another process.
			process := session.New(store, storetest.DiscardEvents{}, noLimit)
			wg.Go(func() {
				n, waiting, err := process.Recover(context.Background(), other, false)
				if err != nil {
					t.Error(err)
				}
				ended.Add(int32(n))
				waited.Add(int32(len(waiting)))
			})
		}
		wg.Go(func() {
			err := owner.Append(context.Background(), b, []session.Piece{{Text: ", more"}})
			if err != nil && !errors.Is(err, session.ErrRunEnded) {
				t.Error(err)
			}
			err = owner.Finish(context.Background(), b,
				session.Outcome{Status: session.RunCompleted})
			if err == nil {
				ended.Add(1)
			} else if !errors.Is(err, session.ErrRunEnded) {
				t.Error(err)
			}
		})
		wg.Wait()
		rec, err := owner.Find(t.Context(), ann.To(key))
		if err != nil {
			t.Fatal(err)
		}
		events := owner.stored(t, rec.ID)
		if n := countEnds(events, sent.RunID); n != 1 || ended.Load() != 1 || waited.Load() == 0 {
			t.Fatalf("the run has %d ends, %d calls ended it, %d found the next run queued", n,
				ended.Load(), waited.Load())
		}
		late := newClient(key)
		late.catchUp(t, testService{Service: owner.cold}, session.Span{Events: 3, Bytes: 1 << 20})
		sameMessages(t, "the log", transcript(late.shown), owner.history(t, key))
		if err := owner.Delete(t.Context(), ann.To(key)); err != nil {
			t.Fatal(err)
		}
	}
}

// A run whose lease is renewed just in time goes on.
func TestLeases(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.send(t, ann, "k", "question")
	h.send(t, ann, "k", "next")
	before := time.Now()
	b := h.begin(t, "k")
	if l := b.Run.LeaseUntil; l.Before(before.Add(protocol.RunLease-time.Millisecond)) ||
		l.After(time.Now().Add(protocol.RunLease)) {
		t.Errorf("the lease of a run begun at %v ends at %v", before, l)
	}
	recovers := func(who string, exclusive bool, want int) {
		t.Helper()
		n, waiting, err := h.Recover(t.Context(), who, exclusive)
		if err != nil || n != want || len(waiting) != want {
			t.Errorf("for %s %d runs were interrupted, %v wait (%v); want %d", who, n, waiting,
				err, want)
		}
	}
	renew := func(who string, until time.Time) {
		t.Helper()
		if err := h.Renew(t.Context(), who, until); err != nil {
			t.Fatal(err)
		}
	}
	over := time.Now().Add(-time.Millisecond)
	recovers("other", false, 0)
	recovers(holder, true, 0) // the run is the holder's own
	renew("other", over)
	recovers("other", false, 0)
	renew(holder, over)
	recovers(holder, false, 0)
	renew(holder, time.Now().Add(time.Minute))
	recovers("other", false, 0)
	h.say(t, b, "still here")
	renew(holder, over)
	recovers("other", false, 1)
	h.checkLog(t, "k")
	messages := h.history(t, "k")
	if m := messages[1]; m.Status != protocol.StatusFailed || m.Content != "still here" ||
		m.Error == "" {
		t.Errorf("the answer is %s", encoded(messages[1:2]))
	}
	if err := h.Append(t.Context(), b, []session.Piece{{Text: "late"}}); !errors.Is(err,
		session.ErrRunEnded) {
		t.Errorf("append after the end: %v", err)
	}
	if b := h.begin(t, "k"); b.Run.ErrorCode != "" ||
		b.History[len(b.History)-1].Content != "next" {
		t.Errorf("the next run is %+v", b.Run)
	}
}

// If the lease is renewed while the run is about to be ended, the run goes on, and the
// next run stays queued.
func TestLeaseIsRenewedInTime(t *testing.T) {
	t.Parallel()
	store := &afterView{Store: openStore(t)}
	h := newTestServiceOn(store)
	h.send(t, ann, "k", "question")
	h.send(t, ann, "k", "next")
	b := h.begin(t, "k")
	renew := func(until time.Time) {
		if err := h.Renew(context.Background(), holder, until); err != nil {
			t.Error(err)
		}
	}
	renew(time.Now().Add(-time.Second))
	store.then = func() { renew(time.Now().Add(time.Hour)) }
	if n, waiting, err := h.Recover(t.Context(), "other", false); n != 0 || len(waiting) != 0 ||
		err != nil {
		t.Errorf("%d runs were interrupted, %v wait (%v)", n, waiting, err)
	}
	h.say(t, b, "still here")
	h.finish(t, b, session.RunCompleted)
	h.checkLog(t, "k")
}

// A piece that another process appends while a run is about to be ended is part of the
// answer.
func TestPieceBeforeTheEnd(t *testing.T) {
	t.Parallel()
	store := &afterView{Store: openStore(t)}
	h, other := newTestServiceOn(store), newTestServiceOn(store)
	h.send(t, ann, "k", "question")
	b := h.begin(t, "k")
	h.say(t, b, "some")
	store.then = func() {
		store.then = func() { h.say(t, b, " words") } // after the answer was read
	}
	if n, _, err := other.Recover(t.Context(), "other", true); n != 1 || err != nil {
		t.Errorf("%d runs were interrupted (%v)", n, err)
	}
	if m := h.history(t, "k")[1]; m.Content != "some words" {
		t.Errorf("the answer is %q", m.Content)
	}
}
