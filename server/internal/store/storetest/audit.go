package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Audit runs the contract of audit.Store. Open gives a store over nothing; the
// reopen it also gives closes that one and opens another over the same data.
func Audit(t *testing.T, open func(t *testing.T) (s audit.Store, reopen func() audit.Store)) {
	for name, test := range map[string]func(*testing.T, audit.Store){
		"keeps every field":       keepsEveryLine,
		"numbers without a gap":   numbersLines,
		"says that an act failed": saysThatItFailed,
		"prunes by age":           prunesLines,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			test(t, s)
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

func lines(t *testing.T, s audit.Store) []protocol.AuditEntry {
	t.Helper()
	list, err := s.List(context.Background(), audit.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return list
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
	if err := s.Fail(t.Context(), 99, "what"); err == nil {
		t.Error("a line that is not there failed")
	}
}

func prunesLines(t *testing.T, s audit.Store) {
	const all = 10
	for i := range all {
		e := appendLine(t, s, line("a", protocol.Time(i+1)))
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
	if e := appendLine(t, s, line("a", 1)); e.ID != all+1 {
		t.Errorf("after them the next id is %d", e.ID)
	}
}

// manyLines adds lines that differ in all that a filter looks at.
func manyLines(t *testing.T, s audit.Store) []protocol.AuditEntry {
	t.Helper()
	var all []protocol.AuditEntry
	for i := range 60 {
		e := line([]string{"key.create", "key.revoke"}[i%2], protocol.Time(10*(i/3)+1))
		e.UserID = []string{"ann", "ben", "%_"}[i%3]
		e.Target = fmt.Sprint("session:", i%5)
		e.Address = fmt.Sprint("192.0.2.", i%4)
		e.Detail = []string{"", "Some Detail", `back\slash`, "100%"}[i%4]
		all = append(all, appendLine(t, s, e))
	}
	return all
}

func listsWhatTheFilterTakes(t *rapid.T, s audit.Store, all []protocol.AuditEntry) {
	f := audit.Filter{
		UserID: rapid.SampledFrom([]string{"", "", "ann", "%_", "nobody"}).Draw(t, "user"),
		Action: rapid.SampledFrom([]string{"", "", "key.create", "key"}).Draw(t, "action"),
		Target: rapid.SampledFrom([]string{"", "", "session:3", "session"}).Draw(t, "target"),
		Query:  rapid.SampledFrom([]string{"", "", "DETAIL", "%", "_", `\`, "2.3", "revoke", "ON:4", "an"}).Draw(t, "query"),
		Since:  protocol.Time(rapid.Int64Range(0, 220).Draw(t, "since")),
		Until:  protocol.Time(rapid.Int64Range(0, 220).Draw(t, "until")),
		Before: rapid.Int64Range(0, 62).Draw(t, "before"),
		Limit:  rapid.IntRange(1, 70).Draw(t, "limit"),
	}
	var want []protocol.AuditEntry
	for _, e := range slices.Backward(all) {
		if len(want) < f.Limit && taken(e, f) {
			want = append(want, e)
		}
	}
	got, err := s.List(context.Background(), f)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v gives %+v (%v)\nwant %+v", f, got, err, want)
	}
}

// taken is what Filter says.
func taken(e protocol.AuditEntry, f audit.Filter) bool {
	text := strings.ToLower(strings.Join([]string{e.UserID, e.Action, e.Target, e.Address, e.Detail}, "\n"))
	return (f.UserID == "" || f.UserID == e.UserID) && (f.Action == "" || f.Action == e.Action) &&
		(f.Target == "" || f.Target == e.Target) && strings.Contains(text, strings.ToLower(f.Query)) &&
		e.At >= f.Since && (f.Until == 0 || e.At < f.Until) && (f.Before == 0 || e.ID < f.Before)
}
