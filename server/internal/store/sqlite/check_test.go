package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckRefusesWhatOpenRefuses tests that Check and Open refuse the same directories with
// the same error, and that Check changes nothing.
func TestCheckRefusesWhatOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string // empty: accepted
	}{
		"whole": {func(*testing.T, string) {}, ""},
		"a database without data": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, DatabaseFile), "")
			remove(t, filepath.Join(dir, MarkFile))
		}, ""},
		"lost": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, DatabaseFile)) },
			"gatehouse.db is missing"},
		"something else": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, DatabaseFile), "hello")
		}, "is not a database of SQLite"},
		"of a newer program": {func(t *testing.T, dir string) {
			db, err := sql.Open("sqlite", filepath.Join(dir, DatabaseFile))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied)
				VALUES (9999, 1)`); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, "version 9999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := Open(t.Context(), dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(t.Context(), dir); err != nil {
				t.Errorf("while a gateway uses the directory: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			row.change(t, dir)
			before := contents(t, dir)
			got := Check(t.Context(), dir)
			for name, sum := range contents(t, dir) {
				if before[name] != sum {
					t.Errorf("%s was changed", name)
				}
			}
			s, err = Open(t.Context(), dir, Options{})
			if err == nil {
				err = s.Close()
			}
			switch {
			case row.want == "" && (got != nil || err != nil):
				t.Errorf("Check: %v, Open: %v", got, err)
			case row.want != "" && (got == nil || err == nil || got.Error() != err.Error() ||
				!strings.Contains(err.Error(), row.want)):
				t.Errorf("Check: %v\nOpen: %v", got, err)
			}
		})
	}
	if err := Check(t.Context(), filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a directory that does not exist yet: %v", err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}
