package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// manyCallers adds, fails, prunes and reads concurrently. The ids that a reader sees
// never have gaps.
func manyCallers(t *testing.T, s audit.Store) {
	const writers, each = 6, 20
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range writers {
		all.Go(func() {
			for n := range each {
				id, err := s.Append(context.Background(), entry("a", protocol.Time(1+n%2)))
				if err == nil {
					err = s.Fail(context.Background(), id, "why")
				}
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	var reading sync.WaitGroup
	removed := 0
	reading.Go(func() {
		for {
			n, err := s.Prune(context.Background(), 2, 3)
			removed += n
			list, err2 := s.List(context.Background(), audit.Filter{Limit: 10_000})
			if err := errors.Join(err, err2); err != nil {
				t.Error(err)
			}
			for i, e := range list {
				if e.ID != list[0].ID-int64(i) {
					t.Errorf("it shows %v", entryIDs(list))
					break
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	all.Wait()
	close(stop)
	reading.Wait()
	if got := entries(t, s); len(got)+removed != writers*each || len(got) == 0 || got[0].ID != writers*each {
		t.Errorf("%d entries were removed, and %d are left: %v", removed, len(got), entryIDs(got))
	}
}

// auditContext calls every method with a context that is done.
func auditContext(t *testing.T, s audit.Store) {
	kept := appendEntry(t, s, entry("a", 1))
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for name, err := range callsOfAudit(ctx, s) {
		if !errors.Is(err, cause) {
			t.Errorf("%s with a context that has ended: %v", name, err)
		}
	}
	if got := entries(t, s); len(got) != 1 || got[0] != kept {
		t.Errorf("then it has %+v", got)
	}
}

// callsOfAudit calls every method once, and returns the errors by method.
func callsOfAudit(ctx context.Context, s audit.Store) map[string]error {
	_, appended := s.Append(ctx, entry("a", 1))
	_, listed := s.List(ctx, audit.Filter{Limit: 9})
	_, oldest := s.Oldest(ctx)
	_, pruned := s.Prune(ctx, 99, 9)
	return map[string]error{"Append": appended, "Fail": s.Fail(ctx, 1, "why"), "List": listed, "Oldest": oldest, "Prune": pruned}
}

func keepsEntries(t *testing.T, s audit.Store, reopen func() audit.Store) {
	for i := range 4 {
		appendEntry(t, s, entry("a", protocol.Time(i+1)))
	}
	failEntry(t, s, 3, "why")
	pruneEntries(t, s, 3, 9)
	before := entries(t, s)
	s = reopen()
	if got := entries(t, s); len(got) != 2 || !slices.Equal(got, before) {
		t.Errorf("reopened, it has %+v, want %+v", got, before)
	}
	pruneEntries(t, s, 99, 9)
	s = reopen()
	if e := appendEntry(t, s, entry("a", 1)); e.ID != 5 {
		t.Errorf("reopened with nothing in it, the next id is %d", e.ID)
	}
}

func closedLogFails(t *testing.T, closed audit.Store, reopen func() audit.Store) {
	kept := appendEntry(t, closed, entry("a", 1))
	s := reopen()
	for name, err := range callsOfAudit(t.Context(), closed) {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s of a closed store: %v, want ErrUnavailable", name, err)
		}
	}
	if got := entries(t, s); len(got) != 1 || got[0] != kept {
		t.Errorf("then it has %+v", got)
	}
}
