package session

import (
	"context"
	"errors"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// waiters are called once when a run ends, by whoever ended it.
type waiters struct {
	mu    sync.Mutex
	byRun map[string][]func(Ended)
}

func (w *waiters) add(runID string, done func(Ended)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byRun[runID] = append(w.byRun[runID], done)
}

func (w *waiters) end(e Ended) {
	w.mu.Lock()
	waiting := w.byRun[e.RunID]
	delete(w.byRun, e.RunID)
	w.mu.Unlock()
	for _, done := range waiting {
		done(e)
	}
}

// OnEnd calls done exactly once when the run has ended; if it has already, now.
// done must not block. With a gateway that stops before the run ends, it is not
// called.
func (s *Service) OnEnd(ctx context.Context, runID string, done func(Ended)) error {
	var once sync.Once
	s.waiters.add(runID, func(e Ended) { once.Do(func() { done(e) }) })
	var ended *Ended
	err := s.store.View(ctx, func(tx Tx) error {
		run, err := tx.Run(runID)
		if errors.Is(err, ErrNotFound) {
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
		ended.Content = answer.Content
		return err
	})
	if err != nil {
		return err
	}
	if ended != nil {
		s.waiters.end(*ended)
	}
	return nil
}
