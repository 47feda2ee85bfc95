package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// errInUse says that a session was not deleted: it has an active run, was changed since
// the look-up, or is deleted already.
var errInUse = errors.New("the session is in use")

// Retain deletes the sessions, pinned ones too, that were last changed before a time,
// except those with a queued or running run. It returns the number of deleted sessions,
// even if it returns an error.
func (s *Service) Retain(ctx context.Context, changedBefore time.Time) (deleted int, err error) {
	for {
		var old []Record
		err := s.store.View(ctx, func(tx Tx) (err error) {
			old, err = tx.UnchangedSince(changedBefore, sweepPage)
			return err
		})
		if err != nil || len(old) == 0 {
			return deleted, err
		}
		for _, rec := range old {
			err := s.deleteOld(ctx, rec, changedBefore)
			if err == nil {
				deleted++
			} else if !errors.Is(err, errInUse) {
				return deleted, err
			}
		}
	}
}

// deleteOld deletes a session that was last changed before a time. Otherwise the error is
// errInUse.
func (s *Service) deleteOld(ctx context.Context, rec Record, changedBefore time.Time) error {
	return s.clear(ctx, rec.Key, func(c *change) (err error) {
		if c.rec, err = c.SessionByID(rec.ID); err != nil {
			return err
		}
		active, err := c.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		if len(active) > 0 || !c.rec.DeletedAt.IsZero() ||
			!c.rec.UpdatedAt.Before(protocol.At(changedBefore).Go()) {
			return errInUse
		}
		return nil
	}, (*change).delete)
}
