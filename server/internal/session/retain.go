package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// errInUse is why a session stays.
var errInUse = errors.New("the session is in use")

// Retain deletes the sessions, pinned ones too, in which nothing was said since
// then, and gives how many these were. A session with a queued or running run
// stays. What it has done stays done when it fails.
func (s *Service) Retain(ctx context.Context, untouchedSince time.Time) (deleted int, err error) {
	for {
		var old []Record
		err := s.store.View(ctx, func(tx Tx) (err error) {
			old, err = tx.Untouched(untouchedSince, sweepPage)
			return err
		})
		if err != nil || len(old) == 0 {
			return deleted, err
		}
		for _, rec := range old {
			err := s.retire(ctx, rec, untouchedSince)
			if err == nil {
				deleted++
			} else if !errors.Is(err, errInUse) {
				return deleted, err
			}
		}
	}
}

// retire deletes a session that is untouched still.
func (s *Service) retire(ctx context.Context, rec Record, untouchedSince time.Time) error {
	return s.empty(ctx, rec.Key, func(c *change) (err error) {
		if c.rec, err = c.SessionByID(rec.ID); err != nil {
			return err
		}
		active, err := c.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		if len(active) > 0 || !c.rec.DeletedAt.IsZero() || !c.rec.UpdatedAt.Before(protocol.At(untouchedSince).Go()) {
			return errInUse
		}
		return nil
	}, (*change).delete)
}
