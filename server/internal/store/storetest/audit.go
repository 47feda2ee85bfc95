package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Audit tests the contract of audit.Store. open returns an empty store, and a function
// that closes the store and opens another one on the same data.
func Audit(t *testing.T, open func(t *testing.T) (s audit.Store, reopen func() audit.Store)) {
	for name, test := range map[string]func(*testing.T, audit.Store){
		"keeps every field":          keepsEveryEntry,
		"numbers without a gap":      numbersEntries,
		"says that an act failed":    saysThatItFailed,
		"is append-only":             entriesStay,
		"pages":                      pagesEntries,
		"finds what failed":          findsFailedEntries,
		"prunes by age":              prunesEntries,
		"prunes from the low end":    prunesFromTheLowEnd,
		"is safe for concurrent use": manyCallers,
		"obeys the context":          auditContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			test(t, s)
		})
	}
	for name, test := range map[string]func(*testing.T, audit.Store, func() audit.Store){
		"keeps what it holds":     keepsEntries,
		"fails when it is closed": closedLogFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, reopen := open(t)
			test(t, s, reopen)
		})
	}
	t.Run("lists what the filter selects", func(t *testing.T) {
		t.Parallel()
		s, reopen := open(t)
		all := manyEntries(t, s)
		s = reopen()
		rapid.Check(t, func(t *rapid.T) { listsWhatTheFilterSelects(t, s, all) })
	})
}

// entry returns an entry with that action and time, and a different value in every other
// field.
func entry(action string, at protocol.Time) protocol.AuditEntry {
	return protocol.AuditEntry{At: at, UserID: "ann", Role: protocol.Admin, Via: "device:d1", Address: "2001:db8::1",
		Action: action, Target: "session:k", Detail: "100% of_it", Outcome: protocol.AuditDone}
}

// appendEntry appends e and returns it with its id.
func appendEntry(t *testing.T, s audit.Store, e protocol.AuditEntry) protocol.AuditEntry {
	t.Helper()
	id, err := s.Append(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	e.ID = id
	return e
}

// failEntry stores that the action of an entry failed.
func failEntry(t *testing.T, s audit.Store, id int64, why string) {
	t.Helper()
	if err := s.Fail(context.Background(), id, why); err != nil {
		t.Fatal(err)
	}
}

// pruneEntries removes entries from before a time.
func pruneEntries(t *testing.T, s audit.Store, before protocol.Time, limit int) (removed int) {
	t.Helper()
	removed, err := s.Prune(context.Background(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

// entries returns all entries, the newest first.
func entries(t *testing.T, s audit.Store) []protocol.AuditEntry {
	t.Helper()
	list, err := s.List(context.Background(), audit.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// entryIDs returns the ids of entries.
func entryIDs(list []protocol.AuditEntry) (ids []int64) {
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func keepsEveryEntry(t *testing.T, s audit.Store) {
	if at, err := s.Oldest(t.Context()); at != 0 || err != nil {
		t.Errorf("the oldest entry of none is of %v (%v)", at, err)
	}
	first := appendEntry(t, s, entry("a", 5))
	second := appendEntry(t, s, protocol.AuditEntry{At: 7, Via: "gateway", Action: "b", Outcome: protocol.AuditDone})
	if got := entries(t, s); !slices.Equal(got, []protocol.AuditEntry{second, first}) {
		t.Errorf("the log has %+v", got)
	}
	if at, err := s.Oldest(t.Context()); at != 5 || err != nil {
		t.Errorf("the oldest entry is of %v (%v)", at, err)
	}
}

func numbersEntries(t *testing.T, s audit.Store) {
	const writers, each = 8, 20
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if _, err := s.Append(context.Background(), entry("a", 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i, e := range entries(t, s) {
		if want := int64(writers*each - i); e.ID != want {
			t.Fatalf("entry %d from the end has the id %d", i, e.ID)
		}
	}
}

func saysThatItFailed(t *testing.T, s audit.Store) {
	a, b := appendEntry(t, s, entry("a", 1)), appendEntry(t, s, protocol.AuditEntry{At: 2, Action: "b"})
	for _, why := range []string{"this is why", "and again"} {
		for _, id := range []int64{a.ID, b.ID} {
			if err := s.Fail(t.Context(), id, why); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := entries(t, s)
	if got[1].Outcome != protocol.AuditFailed || got[1].Detail != a.Detail+"; this is why" || got[0].Detail != "this is why" {
		t.Errorf("the failed entries are %+v", got)
	}
	if err := s.Fail(t.Context(), 99, "what"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an entry that is not there failed: %v, want ErrNotFound", err)
	}
}

// entriesStay calls everything that a caller can call, and checks that no entry has
// changed.
func entriesStay(t *testing.T, s audit.Store) {
	first, second := appendEntry(t, s, entry("a", 5)), appendEntry(t, s, entry("b", 6))
	failEntry(t, s, first.ID, "why")
	before := entries(t, s)
	// Neither an id nor an outcome is the caller's to choose.
	forged := entry("forged", 7)
	forged.ID, forged.Outcome = first.ID, protocol.AuditFailed
	if e := appendEntry(t, s, forged); e.ID != second.ID+1 {
		t.Errorf("an entry with the id of another one is added as %d", e.ID)
	}
	failEntry(t, s, first.ID, "another reason")
	if n := pruneEntries(t, s, 5, 9); n != 0 {
		t.Errorf("%d entries were removed, none is so old", n)
	}
	if n := pruneEntries(t, s, 99, 0); n != 0 {
		t.Errorf("%d entries were removed of at most none", n)
	}
	after := entries(t, s)
	if len(after) != 3 || after[0].Outcome != protocol.AuditDone || !slices.Equal(after[1:], before) {
		t.Errorf("then it has %+v\nbefore %+v", after, before)
	}
}
