package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// databaseFile is the database's name in the data directory.
const databaseFile = "gatehouse.db"

// place is a data directory that this process holds.
type place struct {
	dir  string // absolute
	file string // the database
	lock *flock.Flock
}

// claim makes dir and the database file if need be and takes the directory's
// lock, which the kernel gives back when the process ends, however it ends.
func claim(dir string) (place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return place{}, fmt.Errorf("data directory %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return place{}, fmt.Errorf("make the data directory: %w", err)
	}
	p := place{
		dir:  abs,
		file: filepath.Join(abs, databaseFile),
		lock: flock.New(filepath.Join(abs, "gatehouse.lock"), flock.SetPermissions(0o600)),
	}
	held, err := p.lock.TryLock()
	if err != nil {
		return place{}, fmt.Errorf("lock the data directory %s: %w", abs, err)
	}
	if !held {
		return place{}, fmt.Errorf("%w: another process uses the data directory %s; stop it, or give this one a directory of its own", store.ErrUnavailable, abs)
	}
	if err := within(abs, makePrivate); err != nil {
		return place{}, errors.Join(err, p.lock.Unlock())
	}
	return p, nil
}

// within gives do the data directory: what it makes there is nowhere else.
func within(dir string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	return errors.Join(do(root), root.Close())
}

// makePrivate makes an empty database file that only its owner can read. The
// files SQLite puts beside it take its mode.
func makePrivate(dir *os.Root) error {
	f, err := dir.OpenFile(databaseFile, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return syncNames(dir)
}

// syncNames makes the names in the data directory durable.
func syncNames(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return fmt.Errorf("open %s: %w", dir.Name(), err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir.Name(), err)
	}
	return nil
}
