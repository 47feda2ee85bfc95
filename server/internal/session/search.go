package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

const (
	// searchStep is how many sessions a search looks at in one transaction. Between two
	// steps other readers have their turn.
	searchStep = 1000
	// maxLooked is how many sessions one page of a search looks at. The next page goes on
	// there.
	maxLooked = 100_000
	// maxSearch is how long the search for one page takes. The next page goes on there.
	maxSearch = 2 * time.Second
)

// Candidate is what a search compares of one session.
type Candidate struct {
	Position
	AgentID, Label, Key, UserID string
}

// search returns a page of the sessions that q selects. It looks at one part of the list
// after the other. A session that changes meanwhile moves to the top of the list, and may
// be missed there, as from one page to the next.
func (s *Service) search(ctx context.Context, q List) (ListPage, error) {
	done, err := s.searches.Take(ctx, q.Reader)
	if err != nil {
		return ListPage{}, err
	}
	defer done()
	var page ListPage
	matches := q.matcher()
	skip := q.Offset // of what matches
	q.Offset = 0
	deadline := time.Now().Add(maxSearch)
	for looked := 0; looked < maxLooked && time.Now().Before(deadline); looked += searchStep {
		step, err := s.searchStep(ctx, q, matches, skip+q.Limit-len(page.Sessions))
		if err != nil {
			return ListPage{}, err
		}
		skipped := min(skip, len(step.Sessions))
		skip -= skipped
		page.Skipped += skipped
		page.Sessions = append(page.Sessions, step.Sessions[skipped:]...)
		if page.Next = step.Next; page.Next == nil || len(page.Sessions) == q.Limit {
			return page, nil
		}
		q.After = page.Next
	}
	return page, nil
}

// searchStep looks at the next part of the list, until it has found limit sessions.
func (s *Service) searchStep(ctx context.Context, q List, matches func(Candidate) bool,
	limit int) (page ListPage, err error) {
	q.Limit = searchStep
	err = s.store.View(ctx, func(tx Tx) error {
		page = ListPage{}
		candidates, err := tx.Candidates(q)
		if err != nil {
			return err
		}
		for i, c := range candidates {
			if !matches(c) {
				continue
			}
			rec, err := tx.SessionByID(c.ID)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			page.Sessions = append(page.Sessions, rec)
			if len(page.Sessions) == limit && i < len(candidates)-1 {
				page.Next = &candidates[i].Position
				return nil
			}
		}
		if len(candidates) == searchStep {
			page.Next = &candidates[searchStep-1].Position
		}
		return nil
	})
	return page, err
}

// matcher returns a function that reports whether q selects a session. The time of a
// comparison grows with the lengths of the texts, not with their product.
func (q List) matcher() func(Candidate) bool {
	query := strings.ToLower(q.Query)
	contains := func(text string) bool { return strings.Contains(strings.ToLower(text), query) }
	return func(c Candidate) bool {
		return (q.AgentID == "" || q.AgentID == c.AgentID) &&
			(contains(c.Label) || q.Wide && (contains(c.Key) || contains(c.UserID)))
	}
}
