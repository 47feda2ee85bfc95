package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func prunesEntries(t *testing.T, s audit.Store) {
	const all = 10
	for i := range all {
		e := appendEntry(t, s, entry("a", protocol.Time(i+1)))
		if i%3 == 0 {
			if err := s.Fail(t.Context(), e.ID, "why"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []struct {
		before         protocol.Time
		limit, removed int
		oldest         protocol.Time
	}{{1, 99, 0, 1}, {6, 2, 2, 3}, {6, 99, 3, 6}, {6, 99, 0, 6}, {all + 9, 99, 5, 0}} {
		n, err := s.Prune(t.Context(), step.before, step.limit)
		if err != nil || n != step.removed {
			t.Errorf("pruning before %d removed %d (%v), want %d", step.before, n, err, step.removed)
		}
		if at, err := s.Oldest(t.Context()); at != step.oldest || err != nil {
			t.Errorf("then the oldest is of %d (%v), want %d", at, err, step.oldest)
		}
	}
	if e := appendEntry(t, s, entry("a", 1)); e.ID != all+1 {
		t.Errorf("after the removal, the next id is %d", e.ID)
	}
}

// prunesFromTheLowEnd prunes entries that are older than the entry before them, as
// entries of wrong tokens are.
func prunesFromTheLowEnd(t *testing.T, s audit.Store) {
	for _, at := range []protocol.Time{1, 5, 2, 9} {
		appendEntry(t, s, entry("a", at))
	}
	failEntry(t, s, 1, "why")
	failEntry(t, s, 3, "why")
	for _, step := range []struct {
		before protocol.Time
		limit  int
		want   []int64 // the ids of the remaining entries
	}{{3, 9, []int64{4, 3, 2}}, {6, 1, []int64{4, 3}}, {6, 9, []int64{4}}, {9, 9, []int64{4}}, {10, 9, nil}} {
		pruneEntries(t, s, step.before, step.limit)
		if got := entryIDs(entries(t, s)); !slices.Equal(got, step.want) {
			t.Errorf("pruned before %d, the log has %v, want %v", step.before, got, step.want)
		}
	}
	if err := s.Fail(t.Context(), 1, "again"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an entry that was removed failed: %v, want ErrNotFound", err)
	}
	if e := appendEntry(t, s, entry("a", 1)); e.ID != 5 || entries(t, s)[0] != e {
		t.Errorf("the next entry is %+v", entries(t, s))
	}
}
