package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// sweepPage is the number of runs or sessions that one look-up of a sweep returns.
const sweepPage = 64

// Compact removes the pieces of answers whose runs ended before a time, and returns the
// number of removed events. Messages and the first and last events of runs stay. Cursors
// below the new floor get a reset. Compact uses short transactions, and returns the
// number even if it returns an error.
func (s *Service) Compact(ctx context.Context, endedBefore time.Time) (removed int, err error) {
	for {
		bySession, keys, err := s.uncompacted(ctx, endedBefore)
		if err != nil || len(bySession) == 0 {
			return removed, err
		}
		for id, runs := range bySession {
			n, err := s.compactRuns(ctx, keys[id], runs)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
}

// uncompacted returns some of the runs whose pieces must be removed, and the keys of
// their sessions.
func (s *Service) uncompacted(ctx context.Context,
	endedBefore time.Time) (bySession map[int64][]string, keys map[int64]string, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		bySession, keys = map[int64][]string{}, map[int64]string{}
		runs, err := tx.Uncompacted(endedBefore, sweepPage)
		if err != nil {
			return err
		}
		for _, r := range runs {
			rec, err := tx.SessionByID(r.SessionID)
			if err != nil {
				return err
			}
			keys[r.SessionID] = rec.Key
			bySession[r.SessionID] = append(bySession[r.SessionID], r.ID)
		}
		return nil
	})
	return bySession, keys, err
}

// compactRuns removes the pieces of runs of one session, at most maxRemoved in a
// transaction.
func (s *Service) compactRuns(ctx context.Context, key string,
	runs []string) (removed int, err error) {
	for len(runs) > 0 {
		var n, done int
		err := s.update(ctx, key, func(c *change) (err error) {
			if c.rec, err = c.Session(key); err != nil {
				return err
			}
			n, done, err = c.compactRuns(runs)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed, runs = removed+n, runs[done:]
	}
	return removed, nil
}

// compactRuns removes up to maxRemoved pieces. It returns how many it has removed, and
// how many of the runs have no more pieces.
func (c *change) compactRuns(runs []string) (removed, done int, err error) {
	var top int64
	for ; done < len(runs) && removed < maxRemoved; done++ {
		run, err := c.Run(runs[done])
		if errors.Is(err, store.ErrNotFound) {
			continue // the session was reset or deleted meanwhile
		}
		if err != nil {
			return 0, 0, err
		}
		n, last, err := c.compactRun(run, maxRemoved-removed)
		if err != nil {
			return 0, 0, err
		}
		removed, top = removed+n, max(top, last)
		if removed == maxRemoved {
			break // the run may have more pieces
		}
	}
	if removed == 0 {
		return 0, done, nil
	}
	return removed, done, c.setFloor(top)
}

// compactRun removes up to limit pieces of a run. It returns their number and the seq of
// the last one.
func (c *change) compactRun(run Run, limit int) (removed int, last int64, err error) {
	if run.AnswerID != "" {
		answer, err := c.Message(run.SessionID, run.AnswerID)
		if err != nil {
			return 0, 0, err
		}
		if removed, last, err = c.RemovePieces(run, answer.Seq, limit); err != nil {
			return 0, 0, err
		}
	}
	run.Compacted = removed < limit
	return removed, last, c.SaveRun(run)
}
