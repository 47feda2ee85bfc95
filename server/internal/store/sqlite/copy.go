package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// Contents says what a copy of a database has.
type Contents struct {
	Version  int64  // of the tables
	Instance string // the id of the data
	Blobs    []Blob // the contents of files that its records name, each once
}

// Blob is the content of files.
type Blob struct {
	Sum       media.Sum
	Thumbnail bool
}

// copyStep is the number of pages that are copied at a time.
const copyStep = 1000

// Copy copies the database of the data directory dir into a new file, and checks the copy.
// A gateway may use the directory meanwhile; the copy has what was committed when Copy
// began. Copy changes nothing in dir. Without a gateway, it refuses what Open refuses.
func Copy(ctx context.Context, dir, to string) (Contents, error) {
	to, err := filepath.Abs(to) // a URI has no relative paths
	if err != nil {
		return Contents{}, err
	}
	d, unlock, err := lockUnlessRunning(dir)
	if err != nil {
		return Contents{}, err
	}
	contents, err := d.copyTo(ctx, to)
	return contents, errors.Join(err, unlock())
}

// lockUnlessRunning locks a data directory, unless a gateway has locked it; then lock is
// nil. It creates no file.
func lockUnlessRunning(dir string) (d dataDir, unlock func() error, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return d, nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	d = dataDir{dir: abs, file: filepath.Join(abs, DatabaseFile)}
	if sizeOf(d.file) == 0 {
		return d, nil, fmt.Errorf("there is no database in %s: name the data directory of the "+
			"gateway with the same -config, -data-dir and environment as the gateway has", abs)
	}
	lock := flock.New(filepath.Join(abs, LockFile), flock.SetFlag(os.O_RDONLY))
	held, err := lock.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist): // a directory that no gateway has opened
		return d, func() error { return nil }, inspect(context.Background(), d, Options{})
	case err != nil:
		return d, nil, fmt.Errorf("lock the data directory %s: %w", abs, err)
	case held:
		d.lock = lock
		if err := inspect(context.Background(), d, Options{}); err != nil {
			return d, nil, errors.Join(err, lock.Unlock())
		}
	}
	return d, lock.Close, nil
}

// copyTo copies the database into a new file.
func (d dataDir) copyTo(ctx context.Context, to string) (Contents, error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator names it
	if err != nil {
		return Contents{}, fmt.Errorf("create the copy: %w", err)
	}
	if err := f.Close(); err != nil {
		return Contents{}, fmt.Errorf("create the copy: %w", err)
	}
	alone := d.lock != nil && sizeOf(d.file+"-wal") == 0
	if err := withReadOnly(ctx, d.file, alone, func(db *sql.DB) error {
		return copyPages(ctx, db, to)
	}); err != nil {
		err = unavailable(err)
		if errors.Is(err, store.Full) {
			return Contents{}, fmt.Errorf("copy the database: the disk of %s is full: free space there, "+
				"or name a directory on another disk", filepath.Dir(to))
		}
		return Contents{}, fmt.Errorf("copy the database: %w", err)
	}
	if err := makeSingle(to); err != nil {
		return Contents{}, err
	}
	return Examine(ctx, to)
}

// copyPages copies a database, as it is now, page by page.
func copyPages(ctx context.Context, db *sql.DB, to string) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	// A transaction keeps the snapshot. Otherwise SQLite would begin again after each
	// change by the gateway.
	var tables int64
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	return c.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver cannot copy")
		}
		b, err := source.NewBackup(fileURI(to))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if more, err = b.Step(copyStep); err == nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			_ = b.Finish() // it returns the same error again
			return err
		}
		return b.Finish()
	})
}

// makeSingle makes a database one file, which is complete without a log, and durable.
func makeSingle(file string) error {
	db, err := openDB(file, time.Second, 1, "journal_mode(DELETE)")
	if err != nil {
		return err
	}
	err = errors.Join(db.Ping(), db.Close())
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if sizeOf(file+suffix) == 0 {
			err = errors.Join(err, ignoreMissing(os.Remove(file+suffix)))
		}
	}
	if err != nil {
		return fmt.Errorf("complete the copy: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0) // #nosec G304 -- the operator names it
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Examine checks a copy that Copy has made: its pages, its references and its version. It
// changes nothing and creates no file.
func Examine(ctx context.Context, file string) (c Contents, err error) {
	if file, err = filepath.Abs(file); err != nil {
		return c, err
	}
	if head, err := readHead(file); err != nil || len(head) < headBytes {
		return c, errors.Join(err, fmt.Errorf("%w: %s is not a database of SQLite", store.Damaged, file))
	}
	err = withReadOnly(ctx, file, true, func(db *sql.DB) error {
		if err := checkWith(ctx, db, "PRAGMA integrity_check(3)"); err != nil {
			return err
		}
		if err := checkReferences(ctx, db); err != nil {
			return err
		}
		if c.Version, err = versionOf(ctx, db); err != nil {
			return err
		}
		if known, err := newestVersion(); err != nil || c.Version > known {
			return errors.Join(err, tooNew(c.Version, known))
		}
		if err := db.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'instance'`).Scan(
			&c.Instance); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		c.Blobs, err = blobsOf(ctx, db)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, unavailable(err))
	}
	return c, nil
}

// checkReferences returns a store.Damaged if a row refers to one that is missing.
func checkReferences(ctx context.Context, db *sql.DB) error {
	var table string
	err := db.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: a row of the table %s refers to one that is missing", store.Damaged, table)
}

// blobsOf returns the contents that records name. Databases of old versions have none.
func blobsOf(ctx context.Context, db *sql.DB) (blobs []Blob, err error) {
	var there int
	if err := db.QueryRowContext(ctx,
		`SELECT count(*) FROM sqlite_schema WHERE name = 'media'`).Scan(&there); err != nil || there == 0 {
		return nil, err
	}
	rows, err := db.QueryContext(ctx,
		`SELECT sha256, max(thumbnail <> '') FROM media WHERE freed = 0 GROUP BY sha256`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var sum []byte
		var b Blob
		if err := rows.Scan(&sum, &b.Thumbnail); err != nil {
			return nil, err
		}
		if copy(b.Sum[:], sum) != len(b.Sum) {
			return nil, fmt.Errorf("%w: the sum of a file has the wrong length", store.Damaged)
		}
		blobs = append(blobs, b)
	}
	return blobs, rows.Err()
}

// Leftovers returns the suffixes of the files that SQLite may leave beside a database.
func Leftovers() []string { return []string{"-wal", "-shm", "-journal"} }

// Lock locks a data directory, which it creates if it does not exist, and refuses one that
// a gateway uses. It creates no database.
func Lock(dir string) (unlock func() error, err error) {
	d, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	return d.lock.Unlock, nil
}
