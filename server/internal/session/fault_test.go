package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// faultyStore is a store that can be made to fail or to hang.
type faultyStore struct {
	session.Store
	noUpdate, noView atomic.Bool
	arrived, gate    chan struct{} // if set, an Update sends to arrived, and waits for gate
}

var errDisk = errors.New("the disk is full")

// Update calls fn and then fails, like a failed commit.
func (m *faultyStore) Update(ctx context.Context, fn func(session.Tx) error) error {
	if m.gate != nil {
		m.arrived <- struct{}{}
		<-m.gate
	}
	return m.Store.Update(ctx, func(tx session.Tx) error {
		err := fn(tx)
		if m.noUpdate.Load() {
			return errors.Join(errDisk, err)
		}
		return err
	})
}

func (m *faultyStore) View(ctx context.Context, fn func(session.Tx) error) error {
	if m.noView.Load() {
		return errDisk
	}
	return m.Store.View(ctx, fn)
}

// afterView is a store that calls then once, after a View.
type afterView struct {
	session.Store
	then func()
}

func (m *afterView) View(ctx context.Context, fn func(session.Tx) error) error {
	err := m.Store.View(ctx, fn)
	if then := m.then; then != nil {
		m.then = nil
		then()
	}
	return err
}

// If a change could not be stored, none of its events is published, and the next try is
// complete.
func TestOnlyStoredEventsArePublished(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	h := newTestServiceOn(store)
	ctx := t.Context()
	h.answered(t, ann, "other", "Hi", "there")
	h.answered(t, ann, "k", "Hi", "there")
	run := h.send(t, ann, "k", "Again").RunID
	ended := 0
	if err := h.OnEnd(ctx, run, func(session.Ended) { ended++ }); err != nil {
		t.Fatal(err)
	}
	var b session.StartedRun
	label := "label"
	steps := []struct {
		name string
		do   func() error
	}{
		{"send", func() error {
			_, err := h.Send(ctx, ann.To("k"),
				session.SendRequest{Message: "More", IdempotencyKey: "i"})
			return err
		}},
		{"inject", func() error { _, err := h.Inject(ctx, ann.To("k"), "note", ""); return err }},
		{"patch", func() error { _, err := h.Patch(ctx, ann.To("k"), &label, nil); return err }},
		{"begin", func() error { begun, err := h.Begin(ctx, "k", "h"); b = begun; return err }},
		{"append", func() error { return h.Append(ctx, b, []session.Piece{{Text: "well"}}) }},
		{"finish", func() error {
			return h.Finish(ctx, b,
				session.Outcome{Status: session.RunFailed})
		}},
		{"compact", func() error { _, err := h.Compact(ctx, farFuture); return err }},
		{"retry", func() error {
			_, err := h.Retry(ctx, ann.To("k"),
				session.RetryRequest{RunID: b.Run.ID, IdempotencyKey: "r"})
			return err
		}},
		{"withdraw", func() error { _, _, err := h.Withdraw(ctx, ann.To("k"), ""); return err }},
		{"send another", func() error {
			_, err := h.Send(ctx, ann.To("k"), session.SendRequest{Message: "More"})
			return err
		}},
		{"begin another", func() error { _, err := h.Begin(ctx, "k", "h"); return err }},
		{"recover", func() error { _, _, err := h.Recover(ctx, "", true); return err }},
		{"reset", func() error { _, err := h.Reset(ctx, ann.To("k")); return err }},
		{"delete", func() error { return h.Delete(ctx, ann.To("other")) }},
		{"retain", func() error { _, err := h.Retain(ctx, farFuture); return err }},
	}
	for _, step := range steps {
		before, endedBefore := h.published.count(), ended
		store.noUpdate.Store(true)
		if err := step.do(); !errors.Is(err, errDisk) {
			t.Fatalf("%s on a full disk: %v", step.name, err)
		}
		store.noUpdate.Store(false)
		if h.published.count() != before || ended != endedBefore {
			t.Errorf("%s published an event that is not stored", step.name)
		}
		h.checkLog(t, "k")
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if step.name != "compact" && h.published.count() == before {
			t.Errorf("%s published nothing", step.name)
		}
		if step.name != "retain" {
			h.checkLog(t, "k")
		}
	}
	if ended != 1 {
		t.Errorf("the run's waiter was called %d times", ended)
	}
}

// A run whose history cannot be read stays queued.
func TestBeginWithoutHistory(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	h := newTestServiceOn(store)
	sent := h.send(t, ann, "k", "Hi")
	store.noView.Store(true)
	if _, err := h.Begin(t.Context(), "k", "h"); !errors.Is(err, errDisk) {
		t.Errorf("Begin: %v", err)
	}
	store.noView.Store(false)
	if b := h.begin(t, "k"); b.Run.ID != sent.RunID {
		t.Errorf("begun %+v", b)
	}
}

// The history of a run is limited, and ends with the message to be answered.
func TestHistoryOfARunIsLimited(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for range 8 {
		h.answered(t, ann, "k", strings.Repeat("q", 200<<10), "a")
	}
	h.send(t, ann, "k", "last")
	b := h.begin(t, "k")
	size := 0
	for _, m := range b.History {
		size += len(m.Content)
	}
	if last := b.History[len(b.History)-1]; last.Content != "last" ||
		last.Status != protocol.StatusComplete {
		t.Errorf("the history ends with %+v", last)
	}
	if size < 512<<10 || size > 1<<20+10 {
		t.Errorf("the history has %d bytes", size)
	}
}

// A caller stops waiting for a busy session when its context is done.
func TestWaitForASessionEnds(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	h := newTestServiceOn(store)
	h.send(t, ann, "k", "Hi")
	store.arrived, store.gate = make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := h.Inject(context.Background(), ann.To("k"), "note", "")
		done <- err
	}()
	<-store.arrived // Inject holds the lock of the session
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := h.Patch(ctx, ann.To("k"), nil, nil); !errors.Is(err, gone) {
		t.Errorf("a caller that has gone: %v", err)
	}
	close(store.gate)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Concurrent changes of a session publish its events one at a time and in order.
func TestEventsArePublishedInOrder(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	keys := []string{"one", "two"}
	for _, key := range keys {
		h.send(t, ann, key, "Hi")
	}
	var wg sync.WaitGroup
	for worker := range 6 {
		key := keys[worker%2]
		wg.Go(func() {
			for i := range 30 {
				switch {
				case i%3 == 0 && worker < 2:
					if b, err := h.Begin(context.Background(), key, "h"); err == nil {
						h.say(t, b, "a", "b")
						h.finish(t, b, session.RunCompleted)
					}
				case i%3 == 1:
					_, err := h.Send(context.Background(), ann.To(key),
						session.SendRequest{Message: "more"})
					var full *protocol.Error
					if err != nil && !errors.As(err, &full) {
						t.Error(err)
					}
				default:
					label := fmt.Sprint(worker, i)
					if _, err := h.Patch(context.Background(), ann.To(key), &label,
						nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		h.checkLog(t, key)
	}
}
