package sqlite

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// killed returns a data directory as a killed gateway leaves it, with a write-ahead log,
// and a copy of its database that SQLite has made before the last changes.
func killed(t *testing.T) (dir, backup string) {
	t.Helper()
	live := filepath.Join(t.TempDir(), "live")
	s, err := Open(t.Context(), live, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			if err := s.Update(t.Context(), func(tx *Tx) error {
				return setMeta(tx, fmt.Sprintf("key %d", i), strings.Repeat("x", 3000))
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(0, 300)
	backup = filepath.Join(t.TempDir(), "copy.db")
	if _, err := Copy(t.Context(), live, backup); err != nil {
		t.Fatal(err)
	}
	fill(200, 700)
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{DatabaseFile, DatabaseFile + "-wal", MarkFile} {
		copyFile(t, filepath.Join(live, name), filepath.Join(dir, name))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	adopt(t, dir)
	return dir, backup
}

// adopt makes the mark file name the files that are in dir.
func adopt(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, DatabaseFile)
	m, err := readMarks(file)
	if err != nil {
		t.Fatal(err)
	}
	m.files = fileNumber(file) + " " + fileNumber(file+"-wal")
	if err := m.write(file); err != nil {
		t.Fatal(err)
	}
}

// contents returns the contents of the files of a directory, without the lock and the
// index of the log, which are not data.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		if f.IsDir() || f.Name() == LockFile || strings.HasSuffix(f.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(text)
	}
	return all
}

// TestInspect opens data directories in the states that people make. What Open refuses, it
// must leave as it was.
func TestInspect(t *testing.T) {
	t.Parallel()
	database := func(dir string) string { return filepath.Join(dir, DatabaseFile) }
	damage := func(t *testing.T, file string, at int64) {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, 4096), at); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		do   func(t *testing.T, dir, backup string)
		want string // empty: it opens
	}{
		{"killed", func(*testing.T, string, string) {}, ""},
		{"killed, and copied as a whole", func(t *testing.T, dir, _ string) {
			if err := os.CopyFS(dir+"2", os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(dir+"2", dir); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"a backup moved beside the log", func(t *testing.T, dir, backup string) {
			if err := os.Rename(backup, database(dir)); err != nil {
				t.Fatal(err)
			}
		}, "does not belong to gatehouse.db"},
		{"a backup copied beside the log", func(t *testing.T, dir, backup string) {
			copyFile(t, backup, database(dir))
		}, "does not belong to gatehouse.db"},
		{"a backup in place of the log", func(t *testing.T, dir, backup string) {
			copyFile(t, backup, database(dir))
			if err := os.Remove(database(dir) + "-wal"); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"a log that fits nothing, without a mark", func(t *testing.T, dir, backup string) {
			if err := os.Remove(filepath.Join(dir, MarkFile)); err != nil {
				t.Fatal(err)
			}
			damage(t, database(dir), 5*4096)
			damage(t, database(dir)+"-wal", 0)
		}, "the database is damaged"},
		{"the database lost", func(t *testing.T, dir, _ string) {
			if err := os.Remove(database(dir)); err != nil {
				t.Fatal(err)
			}
		}, "is missing, but gatehouse.mark and gatehouse.db-wal shows"},
		{"the database emptied", func(t *testing.T, dir, _ string) {
			if err := os.Truncate(database(dir), 0); err != nil {
				t.Fatal(err)
			}
		}, "is empty, but gatehouse.mark and gatehouse.db-wal shows"},
		{"only media left", func(t *testing.T, dir, _ string) {
			for name := range contents(t, dir) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			blob := filepath.Join(dir, "media", "ab", "abcd")
			if err := os.MkdirAll(filepath.Dir(blob), 0o700); err != nil {
				t.Fatal(err)
			}
			copyFile(t, os.Args[0], blob)
		}, "is missing, but media shows"},
		{"a damaged page", func(t *testing.T, dir, backup string) {
			copyFile(t, backup, database(dir))
			if err := os.Remove(database(dir) + "-wal"); err != nil {
				t.Fatal(err)
			}
			damage(t, database(dir), sizeOf(database(dir))/4096/2*4096)
		}, "the database is damaged"},
		{"a damaged first page", func(t *testing.T, dir, _ string) { damage(t, database(dir), 0) },
			"is not a database of SQLite"},
		{"a database of something else", func(t *testing.T, dir, _ string) {
			for name := range contents(t, dir) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			db, err := openDB(database(dir), 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(`CREATE TABLE recipes (name TEXT)`); err != nil {
				t.Fatal(err)
			}
		}, "not a database of Gatehouse"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, backup := killed(t)
			test.do(t, dir, backup)
			before := contents(t, dir)
			s, err := Open(t.Context(), dir, Options{})
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				checkIntegrity(t, s)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("refused with %v, want …%s…", err, test.want)
			}
			after := contents(t, dir)
			for name, text := range before {
				if after[name] != text {
					t.Errorf("%s was changed: %d bytes, before %d", name, len(after[name]), len(text))
				}
			}
			if len(after) != len(before) {
				t.Errorf("there are %d files, before %d", len(after), len(before))
			}
		})
	}
}

// checkIntegrity runs SQLite's own check.
func checkIntegrity(t *testing.T, s *Store) {
	t.Helper()
	if err := s.View(t.Context(), func(tx *Tx) error {
		var text string
		if err := tx.QueryRow("PRAGMA integrity_check").Scan(&text); err != nil || text != "ok" {
			t.Errorf("integrity_check: %s, %v", text, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestAcceptEmpty starts with an empty database beside the files of another one. The log
// of the other one must be kept.
func TestAcceptEmpty(t *testing.T) {
	t.Parallel()
	dir, _ := killed(t)
	if err := os.Remove(filepath.Join(dir, DatabaseFile)); err != nil {
		t.Fatal(err)
	}
	log := contents(t, dir)[DatabaseFile+"-wal"]
	s, err := Open(t.Context(), dir, Options{AcceptEmpty: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	kept := false
	for name, text := range contents(t, dir) {
		kept = kept || strings.HasPrefix(name, DatabaseFile+"-wal.left-") && text == log
	}
	if !kept {
		t.Error("the log of the lost database is gone")
	}
	if s, err = Open(t.Context(), dir, Options{}); err != nil {
		t.Fatalf("the next start: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestDamageWhileOpen damages the database while it is open. The store must log that once
// and must not be ready any more.
func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s.noteDamage(fmt.Errorf("read: %w", failure("step", nil)))
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("after another failure: %v", err)
	}
	for range 5 {
		err := s.View(t.Context(), func(*Tx) error { return fmt.Errorf("page 7: %w", store.Damaged) })
		if err == nil {
			t.Error("no error")
		}
	}
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("it is ready: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "the database is damaged: a part of it"); n != 1 ||
		!strings.Contains(log.String(), "gatehouse restore DIR -replace") {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

// TestKilledMigration kills a migration after SQLite has copied changed tables into the
// database file. The next start must not take the log for another database's.
func TestKilledMigration(t *testing.T) {
	t.Parallel()
	dir, _ := killed(t)
	file := filepath.Join(dir, DatabaseFile)
	known, err := readMarks(file)
	if err != nil || known.stored == "" || known.cookie < 0 {
		t.Fatalf("the mark says %+v, %v", known, err)
	}
	db, err := openDB(file, 0, 1, "journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	// The newest migration is undone, in the books alone.
	if _, err := db.Exec(`DELETE FROM goose_db_version WHERE version_id =
		(SELECT max(version_id) FROM goose_db_version)`); err != nil {
		t.Fatal(err)
	}
	called := 0
	err = migrate(t.Context(), db, func() error {
		called++
		return forgetStored(file)
	})
	if called != 1 {
		t.Errorf("called %d times before a migration: %v", called, err)
	}
	if _, err := db.Exec(`CREATE TABLE another (x TEXT); PRAGMA wal_checkpoint(PASSIVE);
		CREATE TABLE one_more (x TEXT)`); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.Mkdir(image, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{DatabaseFile, DatabaseFile + "-wal", MarkFile} {
		copyFile(t, filepath.Join(dir, name), filepath.Join(image, name))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := lockDir(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := inspect(t.Context(), d, Options{}); err != nil {
		t.Errorf("after a migration that was killed: %v", err)
	}
	head, err := readHead(filepath.Join(image, DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := known.write(filepath.Join(image, DatabaseFile)); err != nil {
		t.Fatal(err)
	}
	if err := checkLog(t.Context(), d, head); err == nil {
		t.Error("the test proves nothing: the mark from before fits, too")
	}
	if err := d.lock.Unlock(); err != nil {
		t.Error(err)
	}
}
