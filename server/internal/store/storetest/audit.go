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
		"keeps every field":       keepsEveryLine,
		"numbers without a gap":   numbersLines,
		"says that an act failed": saysThatItFailed,
		"is append-only":          linesStay,
		"pages":                   pagesLines,
		"finds what failed":       findsFailedLines,
		"prunes by age":           prunesLines,
		"prunes from the low end": prunesFromTheLowEnd,
		"is safe at once":         manyUseTheLog,
		"obeys the context":       auditContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			test(t, s)
		})
	}
	for name, test := range map[string]func(*testing.T, audit.Store, func() audit.Store){
		"keeps what it holds":     keepsLines,
		"fails when it is closed": closedLogFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, reopen := open(t)
			test(t, s, reopen)
		})
	}
	t.Run("lists what the filter takes", func(t *testing.T) {
		t.Parallel()
		s, reopen := open(t)
		lines := manyLines(t, s)
		s = reopen()
		rapid.Check(t, func(t *rapid.T) { listsWhatTheFilterTakes(t, s, lines) })
	})
}

func line(action string, at protocol.Time) protocol.AuditEntry {
	return protocol.AuditEntry{At: at, UserID: "ann", Role: protocol.Admin, Via: "device:d1", Address: "2001:db8::1",
		Action: action, Target: "session:k", Detail: "100% of_it", Outcome: protocol.AuditDone}
}

func appendLine(t *testing.T, s audit.Store, e protocol.AuditEntry) protocol.AuditEntry {
	t.Helper()
	id, err := s.Append(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	e.ID = id
	return e
}

func failLine(t *testing.T, s audit.Store, id int64, why string) {
	t.Helper()
	if err := s.Fail(context.Background(), id, why); err != nil {
		t.Fatal(err)
	}
}

func pruneLines(t *testing.T, s audit.Store, before protocol.Time, limit int) (removed int) {
	t.Helper()
	removed, err := s.Prune(context.Background(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

func lines(t *testing.T, s audit.Store) []protocol.AuditEntry {
	t.Helper()
	list, err := s.List(context.Background(), audit.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func lineIDs(list []protocol.AuditEntry) (ids []int64) {
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func keepsEveryLine(t *testing.T, s audit.Store) {
	if at, err := s.Oldest(t.Context()); at != 0 || err != nil {
		t.Errorf("the oldest line of none is of %v (%v)", at, err)
	}
	first := appendLine(t, s, line("a", 5))
	second := appendLine(t, s, protocol.AuditEntry{At: 7, Via: "gateway", Action: "b", Outcome: protocol.AuditDone})
	if got := lines(t, s); !slices.Equal(got, []protocol.AuditEntry{second, first}) {
		t.Errorf("it keeps %+v", got)
	}
	if at, err := s.Oldest(t.Context()); at != 5 || err != nil {
		t.Errorf("the oldest line is of %v (%v)", at, err)
	}
}

func numbersLines(t *testing.T, s audit.Store) {
	const writers, each = 8, 20
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if _, err := s.Append(context.Background(), line("a", 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i, e := range lines(t, s) {
		if want := int64(writers*each - i); e.ID != want {
			t.Fatalf("line %d from the end has the id %d", i, e.ID)
		}
	}
}

func saysThatItFailed(t *testing.T, s audit.Store) {
	a, b := appendLine(t, s, line("a", 1)), appendLine(t, s, protocol.AuditEntry{At: 2, Action: "b"})
	for _, why := range []string{"this is why", "and again"} {
		for _, id := range []int64{a.ID, b.ID} {
			if err := s.Fail(t.Context(), id, why); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := lines(t, s)
	if got[1].Outcome != protocol.AuditFailed || got[1].Detail != a.Detail+"; this is why" || got[0].Detail != "this is why" {
		t.Errorf("it says %+v", got)
	}
	if err := s.Fail(t.Context(), 99, "what"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a line that is not there failed: %v, want ErrNotFound", err)
	}
}

// linesStay calls everything that a caller can call, and checks that no entry has
// changed.
func linesStay(t *testing.T, s audit.Store) {
	first, second := appendLine(t, s, line("a", 5)), appendLine(t, s, line("b", 6))
	failLine(t, s, first.ID, "why")
	before := lines(t, s)
	// Neither an id nor an outcome is the caller's to choose.
	forged := line("forged", 7)
	forged.ID, forged.Outcome = first.ID, protocol.AuditFailed
	if e := appendLine(t, s, forged); e.ID != second.ID+1 {
		t.Errorf("a line with the id of another one is added as %d", e.ID)
	}
	failLine(t, s, first.ID, "another reason")
	if n := pruneLines(t, s, 5, 9); n != 0 {
		t.Errorf("%d lines were removed, none is so old", n)
	}
	if n := pruneLines(t, s, 99, 0); n != 0 {
		t.Errorf("%d lines were removed of at most none", n)
	}
	after := lines(t, s)
	if len(after) != 3 || after[0].Outcome != protocol.AuditDone || !slices.Equal(after[1:], before) {
		t.Errorf("then it has %+v\nbefore %+v", after, before)
	}
}
