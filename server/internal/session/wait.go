package session

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// waiters has the callbacks that wait for the ends of runs. Each callback is called once,
// by the goroutine that ends the run.
type waiters struct {
	// mu guards the following field.
	mu    sync.Mutex
	byRun map[string][]*waiter
}

// waiter is one callback. A pointer to it identifies the callback, since functions cannot
// be compared.
type waiter struct{ done func(Ended) }

// add adds a waiter for a run.
func (w *waiters) add(runID string, done func(Ended)) *waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := &waiter{done}
	w.byRun[runID] = append(w.byRun[runID], waiting)
	return waiting
}

// remove removes a waiter. It reports whether the waiter was there, and so was not
// called.
func (w *waiters) remove(runID string, waiting *waiter) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.byRun[runID], waiting)
	if i < 0 {
		return false
	}
	w.byRun[runID] = slices.Delete(w.byRun[runID], i, i+1)
	if len(w.byRun[runID]) == 0 {
		delete(w.byRun, runID)
	}
	return true
}

// end calls and removes the waiters of a run.
func (w *waiters) end(e Ended) {
	w.mu.Lock()
	waiting := w.byRun[e.RunID]
	delete(w.byRun, e.RunID)
	w.mu.Unlock()
	for _, w := range waiting {
		w.done(e)
	}
}

// OnEnd makes sure that done is called exactly once when the run has ended; if the run
// has already ended, OnEnd calls it. done must not block. It is not called if OnEnd
// returns an error, or if the gateway stops before the run ends.
func (s *Service) OnEnd(ctx context.Context, runID string, done func(Ended)) error {
	waiting := s.waiters.add(runID, done)
	ended, err := s.ended(ctx, runID)
	if err == nil && ended == nil {
		return nil // done will be called when the run ends
	}
	if !s.waiters.remove(runID, waiting) {
		return nil // the run ended meanwhile, and done was called
	}
	if err == nil {
		done(*ended)
	}
	return err
}

// ended returns how a run has ended, or nil if it has not ended.
func (s *Service) ended(ctx context.Context, runID string) (ended *Ended, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		run, err := tx.Run(runID)
		if errors.Is(err, store.ErrNotFound) {
			ended = &Ended{RunID: runID, Outcome: Outcome{
				Status: RunFailed, Code: protocol.NotFound, Error: "The session was deleted or reset."}}
			return nil
		}
		if err != nil || run.Status.Active() {
			return err
		}
		rec, err := tx.SessionByID(run.SessionID)
		if err != nil {
			return err
		}
		ended = &Ended{RunID: runID, SessionKey: rec.Key, MessageID: run.AnswerID, Outcome: Outcome{
			Status: run.Status, Usage: run.Usage, Code: run.ErrorCode, Error: run.Error}}
		if run.AnswerID == "" {
			return nil
		}
		answer, err := tx.Message(run.SessionID, run.AnswerID)
		ended.Content, ended.Outcome.Finish = answer.Content, answer.Finish
		ended.Outcome.Rejected = answer.Rejected
		return err
	})
	return ended, err
}
