package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

// epochOf opens the store in dir, adds a session if there is none, and returns the
// session's epoch.
func epochOf(t *testing.T, dir string) string {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	var epoch string
	err = s.Sessions().Update(t.Context(), func(tx session.Tx) error {
		r, err := tx.Session("one")
		if err != nil {
			r = session.Record{Key: "one", UserID: "u", Epoch: "first"}
			err = tx.SaveSession(&r)
		}
		epoch = r.Epoch
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// If a database was restored from a copy, in any way that people use, sessions get new
// epochs. If it was not, the epochs stay.
func TestRestored(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		between func(t *testing.T, dir string) (openNext string)
		renewed bool
	}{
		{"started again", func(t *testing.T, dir string) string { return dir }, false},
		{"killed between mark and commit", func(t *testing.T, dir string) string {
			file := filepath.Join(dir, "gatehouse.db")
			m, err := readMarks(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := (marks{next: "never committed", last: m.next}).write(file); err != nil {
				t.Fatal(err)
			}
			return dir
		}, false},
		{"copied back into its place", func(t *testing.T, dir string) string {
			file := filepath.Join(dir, "gatehouse.db")
			copyFile(t, file, file+".backup")
			epochOf(t, dir) // stores something that the copy lacks
			epochOf(t, dir)
			copyFile(t, file+".backup", file)
			return dir
		}, true},
		{"moved back into its place", func(t *testing.T, dir string) string {
			file := filepath.Join(dir, "gatehouse.db")
			copyFile(t, file, file+".backup")
			epochOf(t, dir)
			if err := os.Rename(file+".backup", file); err != nil {
				t.Fatal(err)
			}
			return dir
		}, true},
		{"the whole directory copied", func(t *testing.T, dir string) string {
			other := t.TempDir()
			if err := os.CopyFS(filepath.Join(other, "copy"), os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(other, "copy")
		}, true},
		{"the mark lost", func(t *testing.T, dir string) string {
			if err := os.Remove(filepath.Join(dir, "gatehouse.mark")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			before := epochOf(t, dir)
			next := test.between(t, dir)
			after := epochOf(t, next)
			if (after != before) != test.renewed {
				t.Errorf("the epoch was %q, and is %q", before, after)
			}
			if again := epochOf(t, next); again != after {
				t.Errorf("the epoch is %q after one more start, not %q", again, after)
			}
		})
	}
}

// Mark changes the mark if something was committed since the last mark, and only then.
func TestMark(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mark := func() marks {
		if err := s.Mark(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, err := readMarks(s.path)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := mark()
	if second := mark(); second != first {
		t.Errorf("nothing was stored, and the mark went from %v to %v", first, second)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return setMeta(tx, "something", "else") }); err != nil {
		t.Fatal(err)
	}
	third := mark()
	if third.next == first.next || third.last != first.next {
		t.Errorf("the mark went from %v to %v", first, third)
	}
	if fourth := mark(); fourth != third {
		t.Errorf("nothing was stored, and the mark went from %v to %v", third, fourth)
	}
}
