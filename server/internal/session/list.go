package session

import (
	"context"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/turn"
)

// List selects sessions. Pinned sessions come first, then those that were changed last.
// Empty fields select all.
type List struct {
	Reader  string    // the user who asks; the searches of one user take turns
	UserID  string    // the owner
	AgentID string    // the agent
	Query   string    // is contained in the label; case does not matter
	Wide    bool      // whether Query may also be contained in the key or the user id
	Limit   int       // the maximum number of sessions
	Offset  int       // how many sessions to leave out at the beginning
	After   *Position // selects the sessions after this position; nil is the beginning
}

// Searches reports whether each session has to be looked at.
func (q List) Searches() bool { return q.Query != "" || q.AgentID != "" }

// ListPage is a part of a list.
type ListPage struct {
	Sessions []Record
	// Skipped is how many sessions were left out at the beginning: List.Offset, unless the
	// list has fewer.
	Skipped int
	// Next is the position after which the list goes on; nil at its end. A page of a
	// search may have few sessions, or none, and a Next: see maxLooked.
	Next *Position
}

// Count returns how many sessions the user (empty: all users) has, at most most.
func (s *Service) Count(ctx context.Context, userID string, most int) (n int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		n, err = tx.CountSessions(userID, most)
		return err
	})
	return n, err
}

// List returns the sessions that q selects. List does not check access: the caller must
// ask for the sessions of another user only on behalf of an admin. If q searches, List
// waits for a turn of the Reader, and refuses with RESOURCE_EXHAUSTED.
func (s *Service) List(ctx context.Context, q List) (page ListPage, err error) {
	if q.Searches() {
		return s.search(ctx, q)
	}
	limit := q.Limit
	q.Limit++
	err = s.store.View(ctx, func(tx Tx) error {
		page.Sessions, err = tx.Sessions(q)
		return err
	})
	if len(page.Sessions) > limit {
		page.Sessions = slices.Clip(page.Sessions[:limit])
		page.Next = page.Sessions[limit-1].position()
	}
	if len(page.Sessions) > 0 { // otherwise the list may have ended before the offset
		page.Skipped = q.Offset
	}
	return page, err
}

// newSearches returns the turns of searches.
func newSearches() *turn.Turns { return turn.New("searches", turn.HalfTheProcessors()) }

// Find returns one session. It refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Find(ctx context.Context, a Access) (Record, error) {
	var rec Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		rec, err = findOwned(tx, a)
		return err
	})
	return rec, err
}
