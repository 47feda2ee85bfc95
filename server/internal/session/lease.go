package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// errStillHeld says that a run was not ended, because its holder is alive.
var errStillHeld = errors.New("the holder of the run is alive")

// Renew sets the leases of all running runs of the holder to until.
func (s *Service) Renew(ctx context.Context, holder string, until time.Time) error {
	return s.store.Update(ctx, func(tx Tx) error { return tx.RenewLeases(holder, until) })
}

// Recover ends running runs that have lost their process, each exactly once, as failed
// (INTERRUPTED) with their text so far. These are the runs of other holders whose lease
// has expired. If exclusive is true, no other process can have the store open, and the
// runs of other holders are ended whatever their lease.
//
// Recover returns the number of ended runs, and the keys of the sessions that have queued
// runs and no running one. These must be woken.
func (s *Service) Recover(ctx context.Context, holder string,
	exclusive bool) (interrupted int, queued []string, err error) {
	runs, keys, err := s.active(ctx)
	if err != nil {
		return 0, nil, err
	}
	lost := func(r Run) bool {
		return r.Holder != holder && (exclusive || r.LeaseUntil.Before(time.Now()))
	}
	busy := map[int64]bool{}   // sessions with a run that goes on
	listed := map[int64]bool{} // sessions in queued
	for _, r := range runs {   // the running one of a session comes before its queued ones
		switch {
		case r.Status == RunRunning && lost(r):
			err := s.interrupt(ctx, StartedRun{Run: r, Key: keys[r.SessionID]}, lost)
			if err == nil {
				interrupted++
			}
			busy[r.SessionID] = errors.Is(err, errStillHeld)
			if err != nil && !errors.Is(err, errStillHeld) && !errors.Is(err, ErrRunEnded) {
				return interrupted, nil, err
			}
		case r.Status == RunRunning:
			busy[r.SessionID] = true
		case !busy[r.SessionID] && !listed[r.SessionID]:
			listed[r.SessionID] = true
			queued = append(queued, keys[r.SessionID])
		}
	}
	return interrupted, queued, nil
}

// active returns the active runs of all sessions, those of one session in their order,
// and the keys of the sessions.
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

// interrupt ends a run, if lost still returns true for it.
func (s *Service) interrupt(ctx context.Context, started StartedRun, lost func(Run) bool) error {
	return s.end(ctx, started, Outcome{
		Status: RunFailed, Code: protocol.Interrupted,
		Error: "The gateway stopped before the answer was complete. " +
			"Try again to get a complete one.",
	}, lost)
}
