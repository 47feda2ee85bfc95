package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

const (
	// checkTimeout limits the check of a database at each start.
	checkTimeout = 5 * time.Second
	// checkLogTimeout limits the check of a database after a crash.
	checkLogTimeout = time.Minute
)

// inspect checks the files of a locked data directory before SQLite opens them to write,
// since SQLite would create an empty database, delete the log of a database that is
// missing, and copy the log of another database into this one. It refuses
//   - an empty or missing database beside signs of another one, unless o.AcceptEmpty;
//   - a file that is not a database of Gatehouse;
//   - a write-ahead log that belongs to another database;
//   - a database with damaged pages.
//
// When it refuses, it has changed nothing.
func inspect(ctx context.Context, d dataDir, o Options) error {
	if sizeOf(d.file) == 0 {
		return inspectEmpty(d, o)
	}
	log, err := inspectFiles(ctx, d)
	if err != nil {
		return err
	}
	return checkPages(ctx, d, o, log)
}

// inspectFiles checks the database file from outside, and that its log belongs to it. log
// says whether there is a log.
func inspectFiles(ctx context.Context, d dataDir) (log bool, err error) {
	head, err := readHead(d.file)
	if err != nil {
		return false, err
	}
	if !strings.HasPrefix(string(head), "SQLite format 3\x00") || len(head) < headBytes {
		return false, fmt.Errorf("%w: %s is not a database of SQLite: %s", store.Damaged, d.file,
			afterDamage)
	}
	if sizeOf(d.file+"-wal") == 0 {
		return false, nil
	}
	return true, checkLog(ctx, d, head)
}

// headBytes is the size of the header of a database file.
const headBytes = 100

// readHead reads the header of the database file.
func readHead(file string) ([]byte, error) {
	f, err := os.Open(file) // #nosec G304 -- a fixed name in the operator's data directory
	if err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], errors.Join(err, f.Close())
}

// sizeOf returns the size of a file, 0 if there is none.
func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// inspectEmpty checks a data directory without a database, or with an empty one.
func inspectEmpty(d dataDir, o Options) error {
	signs := d.signs()
	if len(signs) == 0 {
		return nil
	}
	if !o.AcceptEmpty {
		what := "is empty"
		if _, err := os.Stat(d.file); errors.Is(err, fs.ErrNotExist) {
			what = "is missing"
		}
		return fmt.Errorf("%s %s, but %s shows that there was a database with data. Nothing was "+
			"changed. Is this the right directory, and is its disk mounted? Put a backup back with "+
			"\"gatehouse restore DIR -replace\"; or, to go on with an empty database, start once with "+
			"-accept-empty", d.file, what, strings.Join(signs, " and "))
	}
	if o.Logger != nil {
		o.Logger.Warn("starting with an empty database, as -accept-empty demands", "directory", d.dir,
			"signs_of_another", signs)
	}
	return d.setLogAside()
}

// signs returns the names of what a database leaves next to it.
func (d dataDir) signs() (signs []string) {
	for _, name := range []string{MarkFile, DatabaseFile + "-wal"} {
		if sizeOf(filepath.Join(d.dir, name)) > 0 {
			signs = append(signs, name)
		}
	}
	blobs, _ := filepath.Glob(filepath.Join(globQuote(d.dir), media.Folder, "[0-9a-f][0-9a-f]", "*"))
	if len(blobs) > 0 {
		signs = append(signs, media.Folder)
	}
	return signs
}

// globQuote quotes the characters that mean something in a pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// setLogAside removes the mark of a database that is missing, and renames its log, which
// SQLite would delete.
func (d dataDir) setLogAside() error {
	return within(d.dir, func(dir *os.Root) error {
		suffix := time.Now().UTC().Format(".left-20060102T150405Z")
		errs := []error{ignoreMissing(dir.Remove(MarkFile))}
		for _, name := range []string{DatabaseFile + "-wal", DatabaseFile + "-shm"} {
			errs = append(errs, ignoreMissing(dir.Rename(name, name+suffix)))
		}
		return errors.Join(append(errs, syncNames(dir))...)
	})
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkLog checks that the write-ahead log, which a crash has left, belongs to the
// database. Only the mark file can tell; without one, the check of pages has to do.
func checkLog(ctx context.Context, d dataDir, head []byte) error {
	m, err := readMarks(d.file)
	if err != nil {
		return err
	}
	why := ""
	database, log, _ := strings.Cut(m.files, " ")
	cookie := int64(binary.BigEndian.Uint32(head[40:44]))
	switch {
	case database != "" && log != "" && database != fileNumber(d.file) &&
		log == fileNumber(d.file+"-wal"):
		why = "the database was replaced by another file"
	case m.stored != "" && m.cookie >= 0 && cookie != m.cookie:
		why = "the database was overwritten by a copy"
	case m.stored != "":
		if mark := markAlone(ctx, d.file); mark != "" && !slices.Contains(strings.Fields(m.stored), mark) {
			why = "the database was overwritten by an older copy"
		}
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%s-wal does not belong to %s: %s, beside the log that a killed gateway has "+
		"left. Together they would become garbage, so nothing was changed. If %s is a backup that "+
		"you have put back, move %s-wal and %s-shm away and start again", d.file, DatabaseFile,
		why, DatabaseFile, DatabaseFile, DatabaseFile)
}

// markAlone returns the mark in the database file without its log, or "" if it cannot be
// read: a crash may have interrupted a checkpoint.
func markAlone(ctx context.Context, file string) (mark string) {
	_ = withReadOnly(ctx, file, true, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'mark'`).Scan(&mark)
	})
	return mark
}

// withReadOnly calls do with a database that cannot be changed.
func withReadOnly(_ context.Context, file string, alone bool, do func(*sql.DB) error) error {
	db, err := openReadOnly(file, alone)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// checkPages checks, as far as the time allows, that the database with its log has the
// tables of Gatehouse and no damaged pages.
func checkPages(ctx context.Context, d dataDir, o Options, log bool) error {
	limit := checkTimeout
	if log {
		limit = checkLogTimeout
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var tables, ours int64
	err := withReadOnly(within, d.file, !log, func(db *sql.DB) error {
		if err := db.QueryRowContext(within, `SELECT count(*),
			coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_schema`).Scan(&tables,
			&ours); err != nil || tables == 0 {
			return err
		}
		return quickCheck(within, db)
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case within.Err() != nil:
		return nil // too large to be checked at a start
	case errors.Is(unavailable(err), store.Damaged):
		return fmt.Errorf("%w (%s): %s", store.Damaged, detail(err), afterDamage)
	case err != nil: // what keeps SQLite from reading is found, and named, by open
		return nil
	case tables == 0:
		return inspectEmpty(d, o)
	case ours == 0:
		return fmt.Errorf("%s is not a database of Gatehouse: it has %d tables of something else; "+
			"move it away, or name another data directory", d.file, tables)
	}
	return nil
}

// detail returns the error without its class.
func detail(err error) string {
	return strings.TrimPrefix(err.Error(), store.Damaged.Error()+": ")
}

// quickCheck returns a store.Damaged with the first problems, if the database has any.
func quickCheck(ctx context.Context, db *sql.DB) error {
	return checkWith(ctx, db, "PRAGMA quick_check(3)")
}

// checkWith runs a check of SQLite, which returns problems as rows, or "ok".
func checkWith(ctx context.Context, db *sql.DB, pragma string) error {
	rows, err := db.QueryContext(ctx, pragma)
	if err != nil {
		return err
	}
	defer rows.Close()
	var problems []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "ok" && !strings.HasPrefix(line, "***") {
				problems = append(problems, line)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n := len(problems); n > 0 {
		return fmt.Errorf("%w: %s", store.Damaged, strings.Join(problems[:min(n, 3)], "; "))
	}
	return nil
}

// versionOf returns the version of the tables.
func versionOf(ctx context.Context, db *sql.DB) (version int64, err error) {
	err = db.QueryRowContext(ctx,
		`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	return version, nil
}
