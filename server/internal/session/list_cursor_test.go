package session

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := Record{ID: rapid.Int64Min(1).Draw(t, "id"), Pinned: rapid.Bool().Draw(t, "pinned"),
			UpdatedAt: time.UnixMilli(rapid.Int64Range(0, 1<<50).Draw(t, "updated"))}
		p, ok := ParseListCursor(r.position().Cursor())
		if !ok || p.ID != r.ID || p.Pinned != r.Pinned || p.UpdatedAt != r.UpdatedAt.UnixMilli() {
			t.Fatalf("%s is %+v, %v", r.position().Cursor(), p, ok)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "0.a.1", "1.zz.zz", "2.1.1", "0..", "0.-1.-1", "0.1.1.1",
		"0.9999999999999999999.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := ParseListCursor(text); ok && text != "" && p == nil {
			t.Errorf("%q is a cursor to nowhere", text)
		}
	})
}
