package sqlite

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

func TestViewIsASnapshot(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	put(t, s, `INSERT INTO scratch VALUES (1, '')`)
	count := func(tx *Tx) (n int64) {
		if err := tx.QueryRow(`SELECT count(*) FROM scratch`).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		before := count(tx)
		put(t, s, `INSERT INTO scratch VALUES (2, '')`)
		if after := count(tx); before != 1 || after != 1 {
			t.Errorf("a view sees %d rows, then %d; want 1 both times", before, after)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := number(t, s, `SELECT count(*) FROM scratch`); n != 2 {
		t.Errorf("the next view sees %d rows, want 2", n)
	}
}

func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	createScratch(t, s)
	if err := s.View(t.Context(), insert(1)); err == nil {
		t.Error("a view wrote")
	}
	if n := number(t, s, `SELECT count(*) FROM scratch`); n != 0 {
		t.Errorf("%d rows are there", n)
	}
}

func TestViewErrors(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	for range 10 { // more often than there are connections
		if err := s.View(t.Context(), func(*Tx) error { return errRefused }); err != errRefused {
			t.Errorf("got %v, want the function's error", err)
		}
		if err := s.View(t.Context(), func(*Tx) error { panic("on purpose") }); err == nil {
			t.Error("a panic was not returned as an error")
		}
	}
	if n := number(t, s, `SELECT 1`); n != 1 {
		t.Error("the connections do not work any more")
	}
}

func TestViewWaitsForAConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(context.Background(), dir, Options{Readers: 2})
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := s.View(context.Background(), func(*Tx) error { <-gate; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		answer := make(chan error, 1)
		go func() { answer <- s.View(ctx, func(*Tx) error { return nil }) }()
		synctest.Wait()
		if len(answer) > 0 {
			t.Error("a third view did not wait")
		}
		cancel(cause)
		if err := <-answer; err != cause {
			t.Errorf("got %v, want the cause", err)
		}
		close(gate)
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A connection that cannot begin is replaced by the next View.
func TestViewReplacesABrokenConnection(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.View(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`COMMIT`) // so that the ROLLBACK of the View fails
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := number(t, s, `SELECT 1`); n != 1 {
		t.Error("no connection")
	}
}

// If readers overlap without a pause, the log stays small.
func TestLogStaysSmallUnderReaders(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	s.walLimit = 6 << 20
	createScratch(t, s)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.View(context.Background(), countOften); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var largest int64
	for n := range 150 { // 15 MB through the log
		put(t, s, `INSERT INTO scratch VALUES (?, hex(zeroblob(50000)))`, n)
		if info, err := os.Stat(s.path + "-wal"); err == nil {
			largest = max(largest, info.Size())
		}
	}
	close(stop)
	readers.Wait()
	if largest > 9<<20 {
		t.Errorf("the log grew to %d bytes", largest)
	}
}

// countOften holds a snapshot for as long as some queries take.
func countOften(tx *Tx) error {
	for range 5 {
		var n int64
		if err := tx.QueryRow(`SELECT count(*) FROM scratch`).Scan(&n); err != nil {
			return err
		}
	}
	return nil
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	if err := unavailable(errRefused); err != errRefused {
		t.Errorf("got %v, want the error as it is", err)
	}
	if err := unavailable(nil); err != nil {
		t.Errorf("got %v for no error", err)
	}
	if err := unavailable(errClosed); err != errClosed || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want the error as it is", err)
	}
}
