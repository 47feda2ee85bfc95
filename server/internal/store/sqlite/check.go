package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Check returns the error with which Open would refuse the database of the data directory
// dir: it is missing, foreign, damaged, or of a newer program. Check changes nothing. It
// checks nothing while a gateway uses the directory. It does not look into a database that
// a crash has left with a log, since SQLite reads a log only with a file that it creates.
func Check(ctx context.Context, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	d := dataDir{dir: abs, file: filepath.Join(abs, DatabaseFile)}
	if used, err := inUse(abs); used || err != nil {
		return err
	}
	if err := d.check(ctx); err != nil {
		return fmt.Errorf("open the store in %s: %w", abs, unavailable(err))
	}
	return nil
}

// inUse reports whether a process has locked the data directory. It creates no file, and
// keeps the lock for a moment only.
func inUse(dir string) (bool, error) {
	lock := flock.New(filepath.Join(dir, LockFile), flock.SetFlag(os.O_RDONLY))
	held, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	return !held, lock.Close()
}

// check checks a data directory that nobody uses.
func (d dataDir) check(ctx context.Context) error {
	if sizeOf(d.file) == 0 {
		return inspectEmpty(d, Options{})
	}
	log, err := inspectFiles(ctx, d)
	if err != nil || log {
		return err
	}
	if err := checkPages(ctx, d, Options{}, false); err != nil {
		return err
	}
	return withReadOnly(ctx, d.file, true, func(db *sql.DB) error {
		have, err := versionOf(ctx, db)
		if err != nil {
			return nil // a database without tables, which Open fills
		}
		known, err := newestVersion()
		return errors.Join(err, tooNew(have, known))
	})
}
