package media_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

var zoe = session.Caller{UserID: "zoe", Role: protocol.Operator}

// testGateway has the files of a gateway that can be stopped and whose database can be
// restored.
type testGateway struct {
	t     *testing.T
	dir   string
	store *sqlite.Store
	*media.Service
}

func (a *testGateway) start() {
	a.t.Helper()
	var err error
	if a.store, err = sqlite.Open(a.t.Context(), a.dir, sqlite.Options{}); err != nil {
		a.t.Fatal(err)
	}
	settings := setting.Fixed(media.Settings{MaxBytes: 1 << 20, Quota: 1 << 20})
	if a.Service, err = media.New(filepath.Join(a.dir, "media"), retrytest.Twice(a.store.Media()),
		settings); err != nil {
		a.t.Fatal(err)
	}
}

func (a *testGateway) stop() {
	a.t.Helper()
	if err := errors.Join(a.Close(), a.store.Close()); err != nil {
		a.t.Fatal(err)
	}
}

// put uploads a file and attaches it to a session.
func (a *testGateway) put(name, content string) media.File {
	a.t.Helper()
	f, err := a.Upload(a.t.Context(), zoe,
		func() (string, io.Reader, error) { return name, strings.NewReader(content), nil })
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.store.Sessions().Update(context.Background(),
		func(tx session.Tx) error { return tx.AttachFile(f.ID, 1) }); err != nil {
		a.t.Fatal(err)
	}
	return f
}

// copyDB copies the database files of a stopped gateway.
func (a *testGateway) copyDB(from, to string) {
	a.t.Helper()
	names, err := filepath.Glob(filepath.Join(from, "gatehouse.*"))
	if err != nil || len(names) == 0 {
		a.t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(name)), text, 0o600)
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
}

// countFiles returns the number of files in the folder of blobs.
func (a *testGateway) countFiles() (n int) {
	a.t.Helper()
	if err := filepath.WalkDir(filepath.Join(a.dir, "media"),
		func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		}); err != nil {
		a.t.Fatal(err)
	}
	return n
}

// advance lets d pass, while files are collected as the gateway does.
func (a *testGateway) advance(d time.Duration) (removed int) {
	a.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Minute) {
		n, err := a.Collect(a.t.Context(), time.Now().Add(-orphans))
		if err != nil {
			a.t.Fatal(err)
		}
		removed += n
	}
	return removed
}

const (
	orphans = 24 * time.Hour // the age at which orphans are collected
	foreign = 3              // the number of files that the test puts into the folder of blobs
)

// holds fails unless the content of f is that text.
func (a *testGateway) holds(f media.File, content string) {
	a.t.Helper()
	r, err := a.Open(f)
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(text) != content {
		a.t.Errorf("%s holds %q, %v", f.Filename, text, err)
	}
}

// A database that was restored from a backup has no records of later files. Their blobs
// are removed, but only after a while, since the newer database may be restored, too.
func TestStrays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &testGateway{t: t, dir: t.TempDir()}
		old, newer := t.TempDir(), t.TempDir()
		a.start()
		early := a.put("early.txt", "early")
		a.stop()
		a.copyDB(a.dir, old)
		a.start()
		late, again := a.put("late.txt", "late"), a.put("again.txt", "again")
		// Files that are no blobs, and must stay.
		for _, name := range []string{"note.txt", "aa/note.txt", "lost+found/note.stray"} {
			name = filepath.Join(a.dir, "media", name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700),
				os.WriteFile(name, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * 24 * time.Hour) // the age of a blob does not count, only that of its mark
		a.advance(2 * time.Hour)
		a.stop()
		a.copyDB(a.dir, newer)

		a.copyDB(old, a.dir)
		a.start()
		if n := a.advance(orphans - 2*time.Hour); n != 0 {
			t.Errorf("%d were removed too soon", n)
		}
		a.holds(late, "late")
		a.stop()
		a.copyDB(newer, a.dir) // the wrong backup was restored
		a.start()
		if n := a.advance(3 * orphans); n != 0 || a.countFiles() != 3+foreign {
			t.Errorf("%d were removed; there are %d files, want those of the backup", n,
				a.countFiles())
		}
		a.stop()

		a.copyDB(old, a.dir) // the right backup is restored again
		a.start()
		a.advance(orphans / 2)
		a.stop() // marks keep their age over a restart
		a.start()
		back := a.put("again.txt", "again") // an upload of the same content keeps the blob
		if n := a.advance(orphans); n != 1 || a.countFiles() != 2+foreign {
			t.Errorf("%d were removed; there are %d files", n, a.countFiles())
		}
		a.holds(early, "early")
		a.holds(back, "again")
		a.holds(again, "again")
		if _, err := a.Open(late); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a stray is still there: %v", err)
		}
		a.stop()
	})
}
