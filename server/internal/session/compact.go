package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// sweepPage is how many runs or sessions are looked at at once.
const sweepPage = 64

// Compact removes the pieces of answers whose runs ended before that, and gives
// how many events these were. Messages and the beginnings and ends of runs stay;
// cursors from before what was removed get a reset. It works in short
// transactions, and what it has done stays done when it fails.
func (s *Service) Compact(ctx context.Context, endedBefore time.Time) (removed int, err error) {
	for {
		bySession, keys, err := s.unfolded(ctx, endedBefore)
		if err != nil || len(bySession) == 0 {
			return removed, err
		}
		for id, runs := range bySession {
			n, err := s.fold(ctx, keys[id], runs)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
}

// unfolded gives some of the runs whose pieces are to be removed, with the keys
// of their sessions.
func (s *Service) unfolded(ctx context.Context, endedBefore time.Time) (bySession map[int64][]string, keys map[int64]string, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		bySession, keys = map[int64][]string{}, map[int64]string{}
		runs, err := tx.Unfolded(endedBefore, sweepPage)
		if err != nil {
			return err
		}
		for _, r := range runs {
			rec, err := tx.SessionByID(r.SessionID)
			if err != nil {
				return err
			}
			bySession[r.SessionID], keys[r.SessionID] = append(bySession[r.SessionID], r.ID), rec.Key
		}
		return nil
	})
	return bySession, keys, err
}

// fold removes the pieces of a session's runs, no more than maxRemoved in a
// transaction.
func (s *Service) fold(ctx context.Context, key string, runs []string) (removed int, err error) {
	for len(runs) > 0 {
		var n, done int
		err := s.update(ctx, key, func(c *change) (err error) {
			if c.rec, err = c.Session(key); err != nil {
				return err
			}
			n, done, err = c.fold(runs)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed, runs = removed+n, runs[done:]
	}
	return removed, nil
}

// fold gives how many pieces it removed, and how many of the runs are done with.
func (c *change) fold(runs []string) (removed, done int, err error) {
	var top int64
	for ; done < len(runs) && removed < maxRemoved; done++ {
		run, err := c.Run(runs[done])
		if errors.Is(err, store.ErrNotFound) {
			continue // its session was reset or deleted meanwhile
		}
		if err != nil {
			return 0, 0, err
		}
		n, last, err := c.foldRun(run, maxRemoved-removed)
		if err != nil {
			return 0, 0, err
		}
		removed, top = removed+n, max(top, last)
		if removed == maxRemoved {
			break // it may have more
		}
	}
	if removed == 0 {
		return 0, done, nil
	}
	return removed, done, c.raise(top)
}

func (c *change) foldRun(run Run, limit int) (removed int, last int64, err error) {
	if run.AnswerID != "" {
		answer, err := c.Message(run.SessionID, run.AnswerID)
		if err != nil {
			return 0, 0, err
		}
		if removed, last, err = c.RemovePieces(run, answer.Seq, limit); err != nil {
			return 0, 0, err
		}
	}
	run.Folded = removed < limit
	return removed, last, c.SaveRun(run)
}
