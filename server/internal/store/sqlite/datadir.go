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

// The names of files in the data directory.
const (
	DatabaseFile = "gatehouse.db"
	LockFile     = "gatehouse.lock" // locked by the process that has the directory open
	MarkFile     = "gatehouse.mark" // see restore.go
)

// dataDir is a data directory that this process has locked.
type dataDir struct {
	dir  string // absolute
	file string // the database
	lock *flock.Flock
}

// lockDir creates the directory if it does not exist, and locks it. The kernel releases the
// lock when the process ends, however it ends.
func lockDir(dir string) (dataDir, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dataDir{}, fmt.Errorf("data directory %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return dataDir{}, fmt.Errorf("create the data directory: %w", err)
	}
	p := dataDir{
		dir:  abs,
		file: filepath.Join(abs, DatabaseFile),
		lock: flock.New(filepath.Join(abs, LockFile), flock.SetPermissions(0o600)),
	}
	held, err := p.lock.TryLock()
	if err != nil {
		return dataDir{}, fmt.Errorf("lock the data directory %s: %w", abs, err)
	}
	if !held {
		return dataDir{}, fmt.Errorf("%w: another process uses the data directory %s; stop that "+
			"process, or use another directory", store.ErrUnavailable, abs)
	}
	return p, nil
}

// within calls do with the data directory. do cannot reach files outside of it.
func within(dir string, do func(*os.Root) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	return errors.Join(do(root), root.Close())
}

// createDatabase creates an empty database file that only its owner can read. SQLite
// creates its other files with the same mode.
func createDatabase(dir *os.Root) error {
	f, err := dir.OpenFile(DatabaseFile, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return syncNames(dir)
}

// syncNames makes the file names in the data directory durable.
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
