package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
)

// engine is a database engine whose database is a text. The test chooses what the text
// names.
type engine struct {
	blobs  []Blob
	copies int
	copied func(e *engine) // called after each copy
	err    error           // of Examine
}

func (e *engine) database() Database {
	return Database{Name: "db", Mark: "mark", LockFile: "lock", Leftovers: []string{"-wal"},
		Copy: func(_ context.Context, dir, to string) (Contents, error) {
			text, err := os.ReadFile(filepath.Join(dir, "db"))
			if err != nil {
				return Contents{}, err
			}
			c := Contents{Version: 7, Instance: "abc", Blobs: slices.Clone(e.blobs)}
			e.copies++
			if e.copied != nil {
				e.copied(e)
			}
			return c, os.WriteFile(to, text, 0o600)
		},
		Examine: func(context.Context, string) (Contents, error) {
			return Contents{Version: 7, Instance: "abc", Blobs: e.blobs}, e.err
		},
		Lock: func(dir string) (func() error, error) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return nil, err
			}
			if _, err := os.Stat(filepath.Join(dir, "running")); err == nil {
				return nil, errors.New("another process uses the data directory")
			}
			return func() error { return nil }, nil
		},
	}
}

// write writes files, by path.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the files of a directory, by path, and checks that only their owner can
// read them.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if path != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		if entry.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// blob returns a blob and its path in a data directory.
func blob(content string) (Blob, string) {
	b := Blob{Sum: media.Sum(sha256.Sum256([]byte(content)))}
	return b, b.paths()[0]
}

// sample returns a data directory with all parts, what it must be after a restore, and its
// engine.
func sample(t *testing.T) (dir string, want map[string]string, e *engine) {
	t.Helper()
	dir = t.TempDir()
	b, path := blob("a picture")
	b.Thumbnail = true
	e = &engine{blobs: []Blob{b}}
	want = map[string]string{
		"db": "rows", "mark": "m", "gateway.token": "t", "acme/chat.example.com": "key",
		path: "a picture", path + ".thumbnail": "small",
	}
	write(t, dir, want)
	_, unused := blob("nobody's")
	write(t, dir, map[string]string{
		"db-wal": "log", "lock": "", "media/tmp/x": "half", unused: "nobody's",
		"before-restore-1/db": "old",
	})
	return dir, want, e
}

func makeBackup(t *testing.T, dir string, e *engine) (to string, m Manifest) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "new", "backup")
	m, err := Make(t.Context(), MakeOptions{DataDir: dir, To: to, Version: "test",
		Database: e.database()})
	if err != nil {
		t.Fatal(err)
	}
	return to, m
}

func TestMakeAndRestore(t *testing.T) {
	t.Parallel()
	dir, want, e := sample(t)
	before := read(t, dir)
	to, m := makeBackup(t, dir, e)
	if !maps.Equal(before, read(t, dir)) {
		t.Error("the backup has changed the data directory")
	}
	copied := read(t, to)
	delete(copied, ManifestFile)
	if !maps.Equal(copied, want) || len(m.Files) != len(want) || m.Database != 7 {
		t.Errorf("the backup has %v, %+v", copied, m)
	}
	if checked, err := Check(t.Context(), to, e.database()); err != nil ||
		len(checked.Files) != len(m.Files) {
		t.Errorf("the check: %v", err)
	}
	if _, err := Make(t.Context(), MakeOptions{DataDir: dir, To: to,
		Database: e.database()}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("over another backup: %v", err)
	}
	if again := read(t, to); len(again) != len(want)+1 {
		t.Errorf("the older backup has %d files", len(again))
	}
	restored := filepath.Join(t.TempDir(), "restored")
	r, err := Restore(t.Context(), RestoreOptions{From: to, DataDir: restored, Database: e.database()})
	if err != nil || r.Aside != "" || !maps.Equal(read(t, restored), want) {
		t.Errorf("restored %v, %+v, %v", read(t, restored), r, err)
	}
}

// TestMakeMeetsChanges uploads and deletes files between the copy of the database and the
// copy of the files.
func TestMakeMeetsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, want, e := sample(t)
		late, latePath := blob("late") // its record comes before its content
		gone, gonePath := blob("gone") // is deleted after the first copy
		lost, lostPath := blob("lost") // was lost long ago
		rotten, rottenPath := blob("rotten")
		write(t, dir, map[string]string{rottenPath: "r0tten"})
		e.blobs = append(e.blobs, late, gone, lost, rotten)
		e.copied = func(e *engine) {
			if e.copies == 1 {
				e.blobs = slices.DeleteFunc(e.blobs, func(b Blob) bool { return b.Sum == gone.Sum })
			}
			if e.copies == 2 {
				write(t, dir, map[string]string{latePath: "late"})
			}
		}
		to, m := makeBackup(t, dir, e)
		copied := read(t, to)
		delete(copied, ManifestFile)
		want[latePath] = "late"
		if !maps.Equal(copied, want) {
			t.Errorf("the backup has %v", copied)
		}
		slices.Sort(m.Missing)
		missing := []string{lostPath, rottenPath}
		slices.Sort(missing)
		if !slices.Equal(m.Missing, missing) || slices.Contains(m.Missing, gonePath) {
			t.Errorf("missing are %v", m.Missing)
		}
		if _, err := Check(t.Context(), to, e.database()); err != nil {
			t.Error(err)
		}
	})
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	_, _, e := sample(t)
	to := filepath.Join(t.TempDir(), "backup")
	empty := filepath.Join(t.TempDir(), "wrong")
	if _, err := Make(t.Context(), MakeOptions{DataDir: empty, To: to,
		Database: e.database()}); err == nil || !strings.Contains(err.Error(), "no database in "+empty) {
		t.Errorf("without a database: %v", err)
	}
	for _, path := range []string{empty, to} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was created", path)
		}
	}
	dir, _, e := sample(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.copied = func(*engine) { cancel() }
	if _, err := Make(ctx, MakeOptions{DataDir: dir, To: to,
		Database: e.database()}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if left := read(t, to); len(left) > 0 {
		t.Errorf("a backup that was cut off leaves %v", left)
	}
}

// TestCheckRefuses damages backups in every way that a check must notice.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	_, picture := blob("a picture")
	for name, test := range map[string]struct {
		do   func(t *testing.T, backup string, e *engine)
		want string
	}{
		"cut off": {func(t *testing.T, backup string, _ *engine) {
			if err := os.Remove(filepath.Join(backup, ManifestFile)); err != nil {
				t.Fatal(err)
			}
		}, "is no complete backup"},
		"a file lost": {func(t *testing.T, backup string, _ *engine) {
			if err := os.Remove(filepath.Join(backup, picture)); err != nil {
				t.Fatal(err)
			}
		}, picture + " is missing"},
		"a bit changed": {func(t *testing.T, backup string, _ *engine) {
			write(t, backup, map[string]string{"db": "rowt"})
		}, "db is damaged"},
		"a folder in place of a file": {func(t *testing.T, backup string, _ *engine) {
			file := filepath.Join(backup, picture)
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "is not a file"},
		"a link that leads outside": {func(t *testing.T, backup string, _ *engine) {
			file := filepath.Join(backup, picture)
			if err := errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)); err != nil {
				t.Fatal(err)
			}
		}, picture + " cannot be read as a file of the backup"},
		"a log beside the database": {func(t *testing.T, backup string, _ *engine) {
			write(t, backup, map[string]string{"db-wal": "log"})
		}, "db-wal is not a part of the backup"},
		"a damaged database": {func(_ *testing.T, _ string, e *engine) {
			e.err = errors.New("page 3 is damaged")
		}, "page 3"},
		"a file that the list lacks": {func(_ *testing.T, _ string, e *engine) {
			b, _ := blob("another")
			e.blobs = append(e.blobs, b)
		}, "the database names it"},
		"a path that leads outside": {func(t *testing.T, backup string, _ *engine) {
			write(t, backup, map[string]string{
				ManifestFile: `{"format":1,"files":[{"path":"../../etc/passwd"}]}`})
		}, "outside of the backup"},
		"a newer format": {func(t *testing.T, backup string, _ *engine) {
			write(t, backup, map[string]string{ManifestFile: `{"format":2,"gatehouse":"v9"}`})
		}, `"v9"`},
		"no JSON": {func(t *testing.T, backup string, _ *engine) {
			write(t, backup, map[string]string{ManifestFile: "{"})
		}, "is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _, e := sample(t)
			backup, _ := makeBackup(t, dir, e)
			test.do(t, backup, e)
			if _, err := Check(t.Context(), backup, e.database()); err == nil ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("the check says %v, want %q", err, test.want)
			}
			restored := filepath.Join(t.TempDir(), "restored")
			_, err := Restore(t.Context(), RestoreOptions{From: backup, DataDir: restored, Replace: true,
				Database: e.database()})
			if _, there := os.Stat(restored); err == nil || !errors.Is(there, fs.ErrNotExist) {
				t.Errorf("restore: %v, and the data directory: %v", err, there)
			}
		})
	}
}

// TestCheckOfAFile tests that a check says what to name in place of a file.
func TestCheckOfAFile(t *testing.T) {
	t.Parallel()
	dir, _, e := sample(t)
	backup, _ := makeBackup(t, dir, e)
	if _, err := Check(t.Context(), filepath.Join(backup, "db"), e.database()); err == nil ||
		!strings.Contains(err.Error(), "is a file: name the directory") {
		t.Errorf("the check says %v", err)
	}
}

// TestRestoreKeepsWhatIsThere restores into directories with data. Nothing of the data may
// get lost.
func TestRestoreKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		there map[string]string
		want  string // of the refusal without -replace
	}{
		"other data":               {map[string]string{"db": "others", "db-wal": "log", "media/ab/cd": "x"}, "has data already"},
		"a log without a database": {map[string]string{"db-wal": "log"}, "the log of another database"},
		"a token":                  {map[string]string{"gateway.token": "other"}, "has data already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, want, e := sample(t)
			backup, _ := makeBackup(t, dir, e)
			data := t.TempDir()
			write(t, data, test.there)
			write(t, data, map[string]string{"config.json5": "{}", "restore.new/db": "cut off"})
			o := RestoreOptions{From: backup, DataDir: data, Database: e.database()}
			before := read(t, data)
			if _, err := Restore(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), "-replace") {
				t.Errorf("it says %v", err)
			}
			if !maps.Equal(read(t, data), before) {
				t.Errorf("a refused restore has changed the data: %v", read(t, data))
			}
			o.Replace = true
			r, err := Restore(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if aside := read(t, r.Aside); !maps.Equal(aside, test.there) {
				t.Errorf("aside is %v, there was %v", aside, test.there)
			}
			if err := os.RemoveAll(r.Aside); err != nil {
				t.Fatal(err)
			}
			want["config.json5"] = "{}"
			if now := read(t, data); !maps.Equal(now, want) {
				t.Errorf("restored is %v", now)
			}
		})
	}
	dir, _, e := sample(t)
	backup, _ := makeBackup(t, dir, e)
	data := t.TempDir()
	write(t, data, map[string]string{"running": "", "db": "others"})
	if _, err := Restore(t.Context(), RestoreOptions{From: backup, DataDir: data, Replace: true,
		Database: e.database()}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("under a running gateway: %v", err)
	}
}
