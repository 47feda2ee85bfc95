package sqlite

import (
	"context"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

// migrateTo migrates the database of a data directory up or down to a version. For
// version 2, it also inserts the rows of an older program.
func migrateTo(t *testing.T, dir string, version int64) {
	t.Helper()
	d, err := lockDir(dir)
	if err == nil {
		err = within(d.dir, createDatabase)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := openDB(d.file, time.Second, 1, "journal_mode(WAL)", "foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := d.lock.Unlock(); err != nil {
			t.Error(err)
		}
	}()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		t.Fatal(err)
	}
	have, err := p.GetDBVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if have < version {
		_, err = p.UpTo(t.Context(), version)
	} else {
		_, err = p.DownTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
	if version != 2 {
		return
	}
	// A completed run, a withdrawn one and a running one.
	for _, statement := range []string{
		`INSERT OR IGNORE INTO sessions VALUES (1, 'k', 'ann', 'demo', 'label', 0, 'e', 6, 1, 2, 0)`,
		`INSERT OR IGNORE INTO messages VALUES (1, 1, 1, 'q', 'user', 'question', 'complete', 1, 'answered', '', '', '', '', '', '')`,
		`INSERT OR IGNORE INTO messages VALUES (1, 1, 2, 'a', 'assistant', 'answer', 'complete', 1, 'answered', 'q', '', '', '', '', '')`,
		`INSERT OR IGNORE INTO sessions VALUES (2, 'blocked', 'ann', 'demo', '', 0, 'f', 6, 1, 2, 0)`,
		`INSERT OR IGNORE INTO messages VALUES (2, 1, 2, 'refused', 'assistant', '', 'failed', 1, 'r', 'q', '', '', '', '', 'The model''s provider declined to answer this (content filter). Say it differently, or start a new session.')`,
		`INSERT OR IGNORE INTO messages VALUES (2, 3, 4, 'gone', 'assistant', '', 'failed', 1, 'r', 'q', '', '', '', '', 'The model server at x can''t be reached.')`,
		`INSERT OR IGNORE INTO messages VALUES (2, 5, 6, 'cut', 'assistant', 'part', 'failed', 1, 'r', 'q', '', '', '', '', 'The model server did not accept the request.')`,
		`INSERT OR IGNORE INTO runs VALUES ('answered', 1, 'ann', 'demo', 'q', 'a', 'completed', 1, 1, 1, 5, '', '', 0, 0)`,
		`INSERT OR IGNORE INTO runs VALUES ('withdrawn', 1, 'ann', 'demo', 'q', '', 'cancelled', 1, 1, 1, 5, '', '', 0, 0)`,
		`INSERT OR IGNORE INTO runs VALUES ('running', 1, 'ann', 'demo', 'q', 'b', 'running', 1, 1, 1, 0, '', '', 0, 0)`,
		`INSERT OR IGNORE INTO events VALUES (1, 2, 'agent', 'run.started', 'answered', x'7b7d')`,
		`INSERT OR IGNORE INTO events VALUES (1, 3, 'agent', 'chunk', 'answered', x'7b7d')`,
		`INSERT OR IGNORE INTO events VALUES (1, 4, 'agent', 'run.completed', 'answered', x'7b7d')`,
		`INSERT OR IGNORE INTO events VALUES (1, 5, 'agent', 'run.cancelled', 'withdrawn', x'7b7d')`,
		`INSERT OR IGNORE INTO events VALUES (1, 6, 'agent', 'run.started', 'running', x'7b7d')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// The rows of an older program are migrated, even after a migration down.
func TestMigrateSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		migrateTo(t, dir, 2)
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkMigrated(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkMigrated fails unless the rows of migrateTo have the columns of the current
// version.
func checkMigrated(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Sessions().View(context.Background(), func(tx session.Tx) error {
		rec, err := tx.Session("k")
		if err != nil || rec.Floor != 0 || rec.LastSeq != 6 || rec.Label != "label" || rec.Messages != 2 {
			return fmt.Errorf("the session is %+v (%w)", rec, err)
		}
		for id, endSeq := range map[string]int64{"answered": 4, "withdrawn": 5, "running": 0} {
			r, err := tx.Run(id)
			if err != nil || r.EndSeq != endSeq || r.Compacted || r.Holder != "" || !r.LeaseUntil.IsZero() || r.EndedAt.IsZero() != (endSeq == 0) {
				return fmt.Errorf("run %s is %+v (%w)", id, r, err)
			}
		}
		for id, rejected := range map[string]bool{"refused": true, "gone": false, "cut": false} {
			if m, err := tx.Message(2, id); err != nil || m.Rejected != rejected {
				return fmt.Errorf("the answer %s is %+v (%w)", id, m, err)
			}
		}
		runs, err := tx.Uncompacted(time.Now(), 9)
		if err != nil || len(runs) != 2 {
			return fmt.Errorf("%d runs are not marked as compacted (%w)", len(runs), err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
