package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(writeForever(dir))
	}
	goleak.VerifyTestMain(m)
}

func openTest(t testing.TB) *Store {
	t.Helper()
	return openAt(t, t.TempDir())
}

func openAt(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// reopenable returns a function that opens a part of a new store. That function also
// returns reopen, which closes the store and opens another one on the same data.
func reopenable[S any](part func(*Store) S) func(*testing.T) (S, func() S) {
	return func(t *testing.T) (S, func() S) {
		t.Helper()
		dir := t.TempDir()
		s := openAt(t, dir)
		return part(s), func() S {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, dir)
			return part(s)
		}
	}
}

// createScratch creates the table scratch.
func createScratch(t testing.TB, s *Store) {
	t.Helper()
	put(t, s, `CREATE TABLE scratch (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`)
}

// put runs a statement in an Update of its own.
func put(t testing.TB, s *Store, query string, args ...any) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// number returns the only value of a query's result.
func number(t storetest.Failer, s *Store, query string, args ...any) (n int64) {
	t.Helper()
	if err := s.View(context.Background(), func(tx *Tx) error { return tx.QueryRow(query, args...).Scan(&n) }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestOpenMakesPrivateFiles(t *testing.T) {
	t.Parallel()
	// Each character means something in a URI, and one in the driver's names.
	dir := filepath.Join(t.TempDir(), "a b?c=d#e%41&f:", "data")
	s := openAt(t, dir)
	createScratch(t, s) // so that the log and its index are there
	want := map[string]fs.FileMode{
		"": 0o700, "gatehouse.db": 0o600, "gatehouse.db-wal": 0o600, "gatehouse.db-shm": 0o600, LockFile: 0o600,
	}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%q has mode %04o, want %04o", name, info.Mode().Perm(), mode)
		}
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	for query, want := range map[string]string{
		"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "2000",
	} {
		var got string
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.QueryRow(query).Scan(&got) }); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", query, got, err, want)
		}
	}
}

func TestInstanceIDStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ids []string
	for range 2 {
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.InstanceID())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids[0]) != 16 || ids[0] != ids[1] {
		t.Errorf("instance ids of one directory are %q, want twice the same 16 digits", ids)
	}
	if other := openTest(t).InstanceID(); other == ids[0] {
		t.Errorf("two directories share the instance id %q", other)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"newer database": {want: "has version 9999, but this program knows only versions up to", spoil: func(t *testing.T, dir string) {
			s := openAt(t, dir)
			put(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}},
		"no database": {want: "not a database", spoil: func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "gatehouse.db"), []byte(strings.Repeat("no database at all. ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"a file in the directory's place": {want: "create the data directory", spoil: func(t *testing.T, dir string) {
			if err := errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}},
		"directory in use": {want: "another process uses the data directory", spoil: func(t *testing.T, dir string) { openAt(t, dir) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			s, err := Open(t.Context(), dir, Options{})
			if err == nil {
				t.Fatal("opened", s.Close())
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("refused with %q, want it to say %q and to name %s", err, c.want, dir)
			}
		})
	}
}

// After a refused Open, the directory can be opened again.
func TestOpenAgainAfterRefusal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "gatehouse.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database at all. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("got %v, want store.ErrUnavailable", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
}

func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		createScratch(t, s)
		finish := make(chan struct{})
		answers, closed := make(chan error, 2), make(chan error, 2)
		go func() {
			answers <- s.Update(context.Background(), func(tx *Tx) error {
				<-finish
				_, err := tx.Exec(`INSERT INTO scratch VALUES (1, 'under way')`)
				return err
			})
		}()
		synctest.Wait()
		go func() {
			answers <- s.Update(context.Background(), func(tx *Tx) error {
				_, err := tx.Exec(`INSERT INTO scratch VALUES (2, 'waiting')`)
				return err
			})
		}()
		synctest.Wait()
		go func() { closed <- s.Close() }()
		synctest.Wait()
		refuses(t, s)
		if len(closed) > 0 {
			t.Error("Close returned while an Update was under way")
		}
		close(finish)
		go func() { closed <- s.Close() }()
		for range 2 {
			if err := <-answers; err != nil {
				t.Errorf("an Update from before Close: %v", err)
			}
			if err := <-closed; err != nil {
				t.Errorf("close: %v", err)
			}
		}
		refuses(t, s)
	})
	if _, err := os.Stat(filepath.Join(dir, "gatehouse.db-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Close left the log behind (%v)", err)
	}
	if n := number(t, openAt(t, dir), `SELECT count(*) FROM scratch`); n != 2 {
		t.Errorf("%d rows after reopening, want 2", n)
	}
}

// refuses fails unless every method of a closed store returns store.ErrUnavailable.
func refuses(t *testing.T, s *Store) {
	t.Helper()
	for name, call := range map[string]func() error{
		"Update": func() error { return s.Update(context.Background(), func(*Tx) error { return nil }) },
		"View":   func() error { return s.View(context.Background(), func(*Tx) error { return nil }) },
		"Ping":   func() error { return s.Ping(context.Background()) },
	} {
		if err := call(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s of a closed store: %v, want store.ErrUnavailable", name, err)
		}
	}
}
