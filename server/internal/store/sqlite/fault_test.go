package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// openElsewhere opens the database as another program does. leave closes it.
func openElsewhere(t *testing.T, s *Store) (c *conn, leave func()) {
	t.Helper()
	db, err := openDB(s.path, time.Second, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = grab(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	return c, sync.OnceFunc(func() {
		_, _ = c.exec("ROLLBACK") // there may be nothing to roll back
		if err := errors.Join(c.close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
}

// run runs a statement on a connection.
func run(t *testing.T, c *conn, query string) {
	t.Helper()
	if _, err := c.exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// took fails unless do returns within a time.
func took(t *testing.T, what string, most time.Duration, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if d := time.Since(start); d > most {
		t.Errorf("%s took %v, want at most %v", what, d, most)
	}
}

// While another program holds the database, one Update waits for it, those that
// follow are refused soon, and readers notice nothing. SQLite waits in real time.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	const patience, soon = time.Second, 10 * time.Second // soon has room for a busy machine
	s, err := Open(t.Context(), t.TempDir(), Options{BusyTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	createScratch(t, s)
	put(t, s, `INSERT INTO scratch VALUES (0, '')`)
	c, leave := openElsewhere(t, s)
	defer leave()
	run(t, c, "BEGIN EXCLUSIVE")
	locked := func(what string, do func(context.Context) error) {
		t.Helper()
		if err := do(t.Context()); !errors.Is(err, store.Locked) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want store.Locked", what, err)
		}
	}
	update := func(ctx context.Context) error { return s.Update(ctx, insert(1)) }
	took(t, "the first Update", soon, func() { locked("the first Update", update) })
	took(t, "what follows", soon, func() {
		for range 12 {
			locked("an Update", update)
			locked("a Ping", s.Ping)
		}
		s.failed.Store(nil)
		locked("a Ping that finds out by itself", s.Ping)
		if n := number(t, s, `SELECT count(*) FROM scratch`); n != 1 {
			t.Errorf("%d rows, want the one from before", n)
		}
	})
	leave()
	put(t, s, `INSERT INTO scratch VALUES (2, '')`)
	var now int64
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.QueryRow(`PRAGMA busy_timeout`).Scan(&now) }); err != nil || now != patience.Milliseconds() {
		t.Errorf("from now on an Update waits for %d ms (%v), want %v", now, err, patience)
	}
}

// A Ping writes little, so a disk without room for messages may have room for a Ping.
// Ping reports the failed transactions, too.
func TestPingReportsFailedTransaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		createScratch(t, s)
		ping := func() error { return s.Ping(context.Background()) }
		if err := ping(); err != nil {
			t.Fatal(err)
		}
		pragma := func(text string) {
			var n int64
			if err := s.Update(t.Context(), func(tx *Tx) error { return tx.QueryRow(text).Scan(&n) }); err != nil {
				t.Fatal(err)
			}
		}
		pragma("PRAGMA max_page_count = 60")
		refused := func() {
			t.Helper()
			if err := s.Update(t.Context(), func(tx *Tx) error {
				_, err := tx.Exec(`INSERT INTO scratch VALUES (NULL, hex(zeroblob(1000000)))`)
				return err
			}); !errors.Is(err, store.Full) {
				t.Fatalf("got %v, want store.Full", err)
			}
		}
		refused()
		if err := ping(); !errors.Is(err, store.Full) {
			t.Errorf("at once: %v, want store.Full although a Ping went well just now", err)
		}
		time.Sleep(3 * time.Second)
		put(t, s, `INSERT INTO scratch VALUES (NULL, 'small enough')`)
		refused()
		time.Sleep(3 * time.Second)
		if err := ping(); !errors.Is(err, store.Full) {
			t.Errorf("while large ones are refused: %v, want store.Full", err)
		}
		pragma("PRAGMA max_page_count = 1000000")
		time.Sleep(failureInterval)
		if err := ping(); err != nil {
			t.Errorf("when none is refused any more: %v", err)
		}
	})
}

// A Ping on a disk that hangs returns in time, and a Ping that has given up is not
// written later.
func TestPingIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		release := hold(s)
		var wg sync.WaitGroup
		for range 2 * maxBatch { // more than the queue takes
			wg.Go(func() {
				took(t, "a Ping", pingTimeout, func() {
					if err := s.Ping(context.Background()); !errors.Is(err, store.Slow) || !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("got %v, want store.Slow", err)
					}
				})
			})
		}
		wg.Wait()
		if err := release(); err != nil {
			t.Error(err)
		}
		if n := number(t, s, `SELECT count(*) FROM meta WHERE key = 'pinged'`); n != 0 {
			t.Error("a Ping that had given up was written all the same")
		}
	})
}

// A program that reads for a long time, such as a backup, prevents a checkpoint, but no
// Update or View waits for that program. SQLite alone would wait, in real time.
func TestCheckpointDoesNotWait(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{BusyTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.walLimit = 1
	createScratch(t, s)
	c, leave := openElsewhere(t, s)
	defer leave()
	run(t, c, "BEGIN")
	var n int64
	if err := (&Tx{c: c}).QueryRow("SELECT count(*) FROM scratch").Scan(&n); err != nil {
		t.Fatal(err)
	}
	took(t, "two Updates and a View", 10*time.Second, func() {
		put(t, s, `INSERT INTO scratch VALUES (1, '')`) // the checkpoint after this one fails
		put(t, s, `INSERT INTO scratch VALUES (2, '')`)
		if n := number(t, s, `SELECT count(*) FROM scratch`); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
}

// Close closes the connections of readers, too. Otherwise the log would stay.
func TestCloseRemovesTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, dir)
	createScratch(t, s)
	for range cap(s.readers) {
		number(t, s, `SELECT count(*) FROM scratch`)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, rest := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(s.path + rest); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Close left %s behind (%v)", rest, err)
		}
	}
}
