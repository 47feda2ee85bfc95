package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

var errRefused = errors.New("refused")

// What an Update of TestUpdateProperty does.
const (
	succeed = iota
	refuse
	panics
	violate    // violates a constraint
	cancelled  // has a context that is done
	behaviours // the number of behaviours
)

// Whatever concurrent writers do, the row of an Update is stored if and only if the
// Update returned nil, and the counter has the number of stored rows.
func TestUpdateProperty(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	put(t, s, `CREATE TABLE counter (n INTEGER NOT NULL) STRICT`)
	put(t, s, `INSERT INTO counter VALUES (0)`)
	var base, total int64
	rapid.Check(t, func(t *rapid.T) {
		plans := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, behaviours-1), 0, 12), 1, 24).Draw(t, "writers")
		var wg sync.WaitGroup
		answers := make([][]error, len(plans))
		at := func(w, i int) int64 { return base + int64(w)*100 + int64(i) }
		for w, plan := range plans {
			answers[w] = make([]error, len(plan))
			wg.Go(func() {
				for i, behaviour := range plan {
					answers[w][i] = addRow(s, at(w, i), behaviour)
				}
			})
		}
		wg.Wait()
		for w, plan := range plans {
			for i, behaviour := range plan {
				err := answers[w][i]
				if fault := unexpected(behaviour, err); fault != "" {
					t.Errorf("writer %d, step %d: %s: %v", w, i, fault, err)
				}
				want := err == nil
				if got := number(t, s, `SELECT count(*) FROM scratch WHERE n = ?`, at(w, i)) == 1; got != want {
					t.Errorf("writer %d, step %d: stored %v, acknowledged %v", w, i, got, want)
				}
				if want {
					total++
				}
			}
		}
		if n := number(t, s, `SELECT n FROM counter`); n != total {
			t.Fatalf("counted to %d, want %d", n, total)
		}
		base += 100_000
	})
}

// addRow inserts the row n and increments the counter in an Update with that behaviour.
func addRow(s *Store, n int64, behaviour int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if behaviour == cancelled {
		cancel()
	}
	return s.Update(ctx, func(tx *Tx) error {
		var was int64
		if err := tx.QueryRow(`SELECT n FROM counter`).Scan(&was); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE counter SET n = ?`, was+1); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO scratch VALUES (?, 'x')`, n); err != nil {
			return err
		}
		switch behaviour {
		case refuse:
			return errRefused
		case panics:
			panic("on purpose")
		case violate:
			_, err := tx.Exec(`INSERT INTO scratch VALUES (?, 'again')`, n)
			return err
		}
		return nil
	})
}

// unexpected returns what is wrong with the error of an Update with that behaviour, or
// "".
func unexpected(behaviour int, err error) string {
	switch {
	case behaviour == succeed && err != nil:
		return "an Update without an error failed"
	case behaviour == refuse && err != errRefused:
		return "an error came back as another one"
	case behaviour == panics && (err == nil || !strings.Contains(err.Error(), "on purpose")):
		return "a panic was not returned as an error"
	case behaviour == violate && (err == nil || errors.Is(err, store.ErrUnavailable)):
		return "a violated constraint must not be a failure of the store"
	case behaviour == cancelled && !errors.Is(err, context.Canceled):
		return "ran without a context"
	}
	return ""
}

// hold keeps the committer busy until release is called. release waits first until every
// goroutine of the test is blocked, so that their Updates are queued.
func hold(s *Store) (release func() error) {
	gate, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.Update(context.Background(), func(*Tx) error { <-gate; return nil })
	}()
	synctest.Wait()
	return func() error {
		synctest.Wait()
		close(gate)
		return <-done
	}
}

// updateTogether runs the functions as Updates in one transaction, and returns their
// errors.
func updateTogether(s *Store, fns ...func(*Tx) error) []error {
	release := hold(s)
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { errs[i] = s.Update(context.Background(), fn) })
		synctest.Wait() // so that they queue in order
	}
	_ = release() // if the transaction fails, the Update of hold fails, too
	wg.Wait()
	return errs
}

// insert returns a function that inserts the number n into scratch.
func insert(n int) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO scratch VALUES (?, '')`, n)
		return err
	}
}

func TestWaitingUpdatesShareACommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		createScratch(t, s)
		put(t, s, `CREATE TABLE part (of INTEGER REFERENCES scratch (n) DEFERRABLE INITIALLY DEFERRED) STRICT`)
		orphan := func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO part VALUES (99)`)
			return err
		}
		// If the commit fails because of one Update, all Updates in it fail, even those
		// that returned an error: they may have read what is undone.
		for i, err := range updateTogether(s, insert(1), orphan, func(*Tx) error { return errRefused }, insert(2)) {
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, errRefused) {
				t.Errorf("update %d of a failed commit: %v, want store.ErrUnavailable", i, err)
			}
		}
		if n := number(t, s, `SELECT (SELECT count(*) FROM scratch) + (SELECT count(*) FROM part)`); n != 0 {
			t.Errorf("%d rows of a failed commit are there", n)
		}
		// The next transaction succeeds.
		for i, err := range updateTogether(s, insert(3), insert(4)) {
			if err != nil {
				t.Errorf("update %d after a failed commit: %v", i, err)
			}
		}
		if n := number(t, s, `SELECT sum(n) FROM scratch`); n != 7 {
			t.Errorf("the rows add up to %d, want 7", n)
		}
	})
}

func TestUpdateContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		createScratch(t, s)
		release := hold(s)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		answer := make(chan error, 1)
		go func() { answer <- s.Update(ctx, insert(1)) }()
		synctest.Wait()
		cancel(cause)
		if err := <-answer; err != cause {
			t.Errorf("an Update whose context ends while it waits: %v, want the cause", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}

		ctx, cancel = context.WithCancelCause(context.Background())
		if err := s.Update(ctx, func(tx *Tx) error {
			cancel(cause)
			return insert(2)(tx)
		}); err != nil {
			t.Errorf("an Update whose context ends when it has begun: %v, want its outcome", err)
		}
		if err := s.Update(ctx, insert(3)); err != cause {
			t.Errorf("an Update with an ended context: %v, want the cause", err)
		}
		if n := number(t, s, `SELECT sum(n) FROM scratch`); n != 2 {
			t.Errorf("the rows add up to %d, want only the second", n)
		}
	})
}

// A failure of the engine undoes the whole transaction and wraps store.ErrUnavailable.
// When the cause is gone, Updates succeed again.
func TestUpdateFailures(t *testing.T) {
	t.Parallel()
	fill := func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO scratch VALUES (NULL, hex(zeroblob(1000000)))`)
		return err
	}
	pragma := func(t *testing.T, s *Store, p string) {
		t.Helper()
		if err := s.Update(context.Background(), func(tx *Tx) error {
			for _, err := range tx.Query("PRAGMA " + p) {
				return err
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	for name, c := range map[string]struct {
		cause func(t *testing.T, s *Store) (heal func())
		code  string
	}{
		"full": {code: "(13)", cause: func(t *testing.T, s *Store) func() {
			pragma(t, s, "max_page_count = 60")
			return func() { pragma(t, s, "max_page_count = 1000000") }
		}},
		"locked": {code: "(5)", cause: func(t *testing.T, s *Store) func() {
			db, err := openDB(s.path, time.Second, 1)
			if err != nil {
				t.Fatal(err)
			}
			c, err := grab(context.Background(), db)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := errors.Join(c.close(), db.Close()); err != nil {
					t.Error(err)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s, err := Open(context.Background(), dir, Options{BusyTimeout: time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				createScratch(t, s)
				heal := c.cause(t, s)
				forgiving := func(tx *Tx) error { // ignores errors
					_ = fill(tx)
					_ = insert(5)(tx)
					return nil
				}
				for _, fns := range [][]func(*Tx) error{{fill}, {forgiving}, {insert(1), forgiving, insert(2)}} {
					for i, err := range updateTogether(s, fns...) {
						if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.code) {
							t.Errorf("update %d of %d: %v, want store.ErrUnavailable and %s", i, len(fns), err, c.code)
						}
					}
				}
				if n := number(t, s, `SELECT count(*) FROM scratch`); n != 0 {
					t.Errorf("%d rows are there, want none", n)
				}
				heal()
				if err := s.Update(context.Background(), fill); err != nil {
					t.Errorf("when the cause was gone: %v", err)
				}
			})
		})
	}
}

// A connection that can write no more is replaced.
func TestUpdateReplacesABrokenConnection(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	put(t, s, `PRAGMA query_only = 1`)
	if err := s.Update(t.Context(), insert(1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("on a read-only connection: %v, want store.ErrUnavailable", err)
	}
	if err := s.Update(t.Context(), insert(2)); err != nil {
		t.Errorf("on the next one: %v", err)
	}
	if n := number(t, s, `SELECT sum(n) FROM scratch`); n != 2 {
		t.Errorf("the rows add up to %d, want only the second", n)
	}
}

func TestTxIsGoodOnlyWithinItsFunction(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	for name, run := range map[string]func(context.Context, func(*Tx) error) error{"Update": s.Update, "View": s.View} {
		var kept *Tx
		if err := run(t.Context(), func(tx *Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := kept.QueryRow(`SELECT 1`).Scan(&n); !errors.Is(err, errTxOver) {
			t.Errorf("a query after %s: %v", name, err)
		}
		if _, err := kept.Exec(`DELETE FROM scratch`); !errors.Is(err, errTxOver) {
			t.Errorf("a statement after %s: %v", name, err)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	const rows = `SELECT n FROM scratch ORDER BY n`
	err := s.Update(t.Context(), func(tx *Tx) error {
		for n := range 4 {
			if err := insert(n)(tx); err != nil {
				return err
			}
		}
		// The same query within its own rows, left early.
		var got []string
		for outer, err := range tx.Query(rows) {
			if err != nil {
				return err
			}
			var a, b int
			if err := outer.Scan(&a); err != nil {
				return err
			}
			for inner, err := range tx.Query(rows) {
				if err != nil {
					return err
				}
				if err := inner.Scan(&b); err != nil {
					return err
				}
				if b == 1 {
					break
				}
			}
			got = append(got, fmt.Sprint(a, b))
		}
		if want := "0 1,1 1,2 1,3 1"; strings.Join(got, ",") != want {
			t.Errorf("nested rows are %q, want %q", got, want)
		}
		var n int
		if err := tx.QueryRow(`SELECT n FROM scratch WHERE n = ?`, 7).Scan(&n); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no row: %v, want store.ErrNotFound", err)
		}
		if err := tx.QueryRow(`SELECT x FROM scratch`).Scan(&n); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a query that is wrong: %v", err)
		}
		affected, err := tx.Exec(`DELETE FROM scratch WHERE n > ?`, 1)
		if affected != 2 {
			t.Errorf("%d rows removed, want 2", affected)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, dir)
		pinged := func() int64 { return number(t, s, `SELECT count(DISTINCT value) FROM meta WHERE key = 'pinged'`) }
		if n := pinged(); n != 0 {
			t.Fatalf("%d pings before the first", n)
		}
		if err := s.Ping(context.Background()); err != nil || pinged() != 1 {
			t.Errorf("ping: %v, %d rows written", err, pinged())
		}
		put(t, s, `DELETE FROM meta WHERE key = 'pinged'`)
		if err := s.Ping(context.Background()); err != nil || pinged() != 0 {
			t.Errorf("a second ping at once: %v, %d rows written, want none", err, pinged())
		}
		time.Sleep(pingInterval)
		// A committer that hangs is not waited for.
		release := hold(s)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ping of a store that hangs: %v", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		if err := s.Ping(context.Background()); err != nil || pinged() != 1 {
			t.Errorf("ping of a store that hung: %v, %d rows written", err, pinged())
		}
	})
}

func TestPingSeesReadOnly(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	put(t, s, `PRAGMA query_only = 1`)
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ping: %v, want store.ErrUnavailable", err)
	}
}
