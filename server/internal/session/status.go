package session

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Activity is what a session is doing.
type Activity struct {
	Session Record
	RunID   string             // the running run, if any
	Phase   *protocol.Activity // the activity of the running run
	Queued  int                // the number of queued runs
}

// Status returns what a session is doing. It refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Status(ctx context.Context, a Access) (Activity, error) {
	var now Activity
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := findOwned(tx, a)
		if err != nil {
			return err
		}
		now = Activity{Session: rec}
		active, err := tx.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		for _, r := range active {
			if r.Status == RunQueued {
				now.Queued++
				continue
			}
			now.RunID = r.ID
			if now.Phase, err = phase(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return now, err
}

// runningPhase returns the activity of the session's running run, or nil if none runs.
func runningPhase(tx Tx, sessionID int64) (*protocol.Activity, error) {
	active, err := tx.ActiveRuns(sessionID)
	if err != nil || len(active) == 0 || active[0].Status != RunRunning {
		return nil, err
	}
	return phase(tx, active[0])
}

// phase returns the activity of a running run: the last one that it announced, or
// answering if its last event is text.
func phase(tx Tx, r Run) (*protocol.Activity, error) {
	answer, err := tx.Message(r.SessionID, r.AnswerID)
	if err != nil {
		return nil, err
	}
	last, err := tx.LastRunEvent(r.SessionID, answer.Seq, r.ID,
		[2]string{protocol.RunChunk, protocol.RunActivity})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &protocol.Activity{Phase: "thinking"}, nil
	case err != nil:
		return nil, err
	case last.Kind == protocol.RunChunk:
		return &protocol.Activity{Phase: protocol.PhaseAnswering}, nil
	}
	a := &protocol.Activity{}
	return a, decodeAgent(last.Payload, a)
}
