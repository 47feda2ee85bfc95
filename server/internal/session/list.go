package session

import (
	"context"
	"slices"
)

// List returns the sessions that q selects, and whether there are more. List does not
// check access: the caller must ask for the sessions of another user only on behalf of an
// admin.
func (s *Service) List(ctx context.Context, q List) (sessions []Record, more bool, err error) {
	limit := q.Limit
	q.Limit++
	err = s.store.View(ctx, func(tx Tx) error {
		sessions, err = tx.Sessions(q)
		return err
	})
	if len(sessions) > limit {
		return slices.Clip(sessions[:limit]), true, err
	}
	return sessions, false, err
}

// Find returns one session. It refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Find(ctx context.Context, a Access) (Record, error) {
	var rec Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		rec, err = findOwned(tx, a)
		return err
	})
	return rec, err
}
