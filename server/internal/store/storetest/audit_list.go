package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// manyEntries adds entries that differ in every field that a filter has.
func manyEntries(t *testing.T, s audit.Store) []protocol.AuditEntry {
	t.Helper()
	var all []protocol.AuditEntry
	for i := range 60 {
		e := entry([]string{"key.create", "key.revoke"}[i%2], protocol.Time(10*(i/3)+1))
		e.UserID = []string{"ann", "ben", "%_"}[i%3]
		e.Target = fmt.Sprint("session:", i%5)
		e.Address = fmt.Sprint("192.0.2.", i%4)
		e.Detail = []string{"", "Some Detail", `back\slash`, "100%"}[i%4]
		all = append(all, appendEntry(t, s, e))
	}
	return all
}

func listsWhatTheFilterSelects(t *rapid.T, s audit.Store, all []protocol.AuditEntry) {
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
		if len(want) < f.Limit && matches(e, f) {
			want = append(want, e)
		}
	}
	got, err := s.List(context.Background(), f)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v gives %+v (%v)\nwant %+v", f, got, err, want)
	}
}

// matches reports whether the filter selects an entry that has not failed. matches
// ignores Limit.
func matches(e protocol.AuditEntry, f audit.Filter) bool {
	text := strings.ToLower(strings.Join([]string{e.UserID, e.Action, e.Target, e.Address, e.Detail}, "\n"))
	return (f.UserID == "" || f.UserID == e.UserID) && (f.Action == "" || f.Action == e.Action) &&
		(f.Target == "" || f.Target == e.Target) && strings.Contains(text, strings.ToLower(f.Query)) &&
		e.At >= f.Since && (f.Until == 0 || e.At < f.Until) && (f.Before == 0 || e.ID < f.Before)
}

// findsFailedEntries searches for entries by the reason of their failure, which Detail
// contains.
func findsFailedEntries(t *testing.T, s audit.Store) {
	a, b := appendEntry(t, s, entry("a", 1)), appendEntry(t, s, entry("b", 2))
	failEntry(t, s, a.ID, "FORBIDDEN: 50% off")
	for query, want := range map[string][]int64{
		"forbidden": {a.ID}, "50% O": {a.ID}, "50_": nil, "of_it": {b.ID, a.ID}, "%": {b.ID, a.ID}, "nothing": nil,
	} {
		if got, err := s.List(t.Context(), audit.Filter{Query: query, Limit: 9}); err != nil || !slices.Equal(entryIDs(got), want) {
			t.Errorf("%q finds %v, %v; want %v", query, entryIDs(got), err, want)
		}
	}
}

// pagesEntries reads the log page by page while entries are added.
func pagesEntries(t *testing.T, s audit.Store) {
	const some = 11
	for i := range some {
		appendEntry(t, s, entry("a", protocol.Time(i)))
	}
	for limit := 1; limit <= some+1; limit++ {
		newest := entries(t, s)[0].ID
		var walked []int64
		for f := (audit.Filter{Limit: limit}); ; {
			page, err := s.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			walked = append(walked, entryIDs(page)...)
			if len(page) < limit {
				break
			}
			f.Before = page[len(page)-1].ID
			appendEntry(t, s, entry("added meanwhile", 99))
		}
		for i, id := range walked {
			if id != newest-int64(i) {
				t.Fatalf("pages of %d: %v, want every entry from %d down once", limit, walked, newest)
			}
		}
		if int64(len(walked)) != newest {
			t.Errorf("pages of %d have %d entries of %d", limit, len(walked), newest)
		}
	}
}
