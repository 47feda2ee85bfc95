package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// errKept is why a run is not ended for its holder.
var errKept = errors.New("the run has somebody who answers")

// Renew says that the holder is at work: the leases of its running runs last
// until then.
func (s *Service) Renew(ctx context.Context, holder string, until time.Time) error {
	return s.store.Update(ctx, func(tx Tx) error { return tx.RenewLeases(holder, until) })
}

// Recover ends running runs that have lost their process, each exactly once, as
// failed (INTERRUPTED) with what they had said: those that are not the holder's
// and whose lease is over, or, exclusive, whatever their lease says, for a store
// that no other process can have open. It gives how many these were, and the
// keys of the sessions that have runs queued and none running.
func (s *Service) Recover(ctx context.Context, holder string, exclusive bool) (interrupted int, waiting []string, err error) {
	runs, keys, err := s.active(ctx)
	if err != nil {
		return 0, nil, err
	}
	orphaned := func(r Run) bool {
		return r.Holder != holder && (exclusive || r.LeaseUntil.Before(time.Now()))
	}
	busy := map[int64]bool{}   // with a run that goes on
	listed := map[int64]bool{} // in waiting
	for _, r := range runs {   // a session's running one comes first
		switch {
		case r.Status == RunRunning && orphaned(r):
			err := s.interrupt(ctx, Begun{Run: r, Key: keys[r.SessionID]}, orphaned)
			if err == nil {
				interrupted++
			}
			busy[r.SessionID] = errors.Is(err, errKept)
			if err != nil && !errors.Is(err, errKept) && !errors.Is(err, ErrRunEnded) {
				return interrupted, nil, err
			}
		case r.Status == RunRunning:
			busy[r.SessionID] = true
		case !busy[r.SessionID] && !listed[r.SessionID]:
			listed[r.SessionID] = true
			waiting = append(waiting, keys[r.SessionID])
		}
	}
	return interrupted, waiting, nil
}

// active gives everybody's active runs, a session's in their order, and the keys
// of their sessions.
func (s *Service) active(ctx context.Context) (runs []Run, keys map[int64]string, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		keys = map[int64]string{}
		if runs, err = tx.ActiveRuns(0); err != nil {
			return err
		}
		for _, r := range runs {
			rec, err := tx.SessionByID(r.SessionID)
			if err != nil {
				return err
			}
			keys[r.SessionID] = rec.Key
		}
		return nil
	})
	return runs, keys, err
}

// interrupt ends a run that is orphaned still.
func (s *Service) interrupt(ctx context.Context, b Begun, orphaned func(Run) bool) error {
	return s.end(ctx, b, Outcome{
		Status: RunFailed, Code: protocol.Interrupted,
		Error: "The gateway stopped before the answer was complete. Try again to get a whole one.",
	}, orphaned)
}
