package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

// fill inserts rows of that size with the numbers from n on, until one is refused. It
// returns the number of the refused row.
func fill(t *testing.T, s *Store, n, size int) (refused int, err error) {
	t.Helper()
	for end := n + 100_000; n < end; n++ {
		if err = insertLarge(s, n, size); err != nil {
			return n, err
		}
	}
	t.Fatal("nothing is refused")
	return 0, nil
}

func insertLarge(s *Store, n, size int) error {
	return s.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO scratch VALUES (?, hex(zeroblob(?)))`, n, size/2)
		return err
	})
}

// rows returns the numbers in the table scratch.
func rows(t *testing.T, s *Store) (all []int64) {
	t.Helper()
	if err := s.View(context.Background(), func(tx *Tx) (err error) {
		all, err = collect(tx, `SELECT n FROM scratch ORDER BY n`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func collect(tx *Tx, query string) ([]int64, error) {
	return all(tx.Query(query), func(row Row) (n int64, err error) {
		err = row.Scan(&n)
		return n, err
	})
}

// intact fails unless the database is intact.
func intact(t *testing.T, s *Store) {
	t.Helper()
	var verdict string
	if err := s.View(context.Background(), func(tx *Tx) error { return tx.QueryRow(`PRAGMA integrity_check`).Scan(&verdict) }); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
}

// On a full file system, refused rows are not stored, acknowledged rows are, and reads
// work. When there is room again, writes work, too.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, is := storetest.Disk(t, 24<<20)
	if !is {
		return
	}
	s := openAt(t, dir)
	createScratch(t, s)
	var kept []int64
	next := 1
	for _, leave := range []int64{0, 64 << 10, 6 << 20} { // the last one lets the log grow and be checkpointed
		drop := storetest.Ballast(t, dir, leave)
		for _, size := range []int{60_000, 3000, 10} {
			refused, err := fill(t, s, next, size)
			if !errors.Is(err, store.Full) {
				t.Fatalf("refused with %v, want store.Full", err)
			}
			for ; next < refused; next++ {
				kept = append(kept, int64(next))
			}
			next++
			if err := s.Ping(t.Context()); !errors.Is(err, store.Full) {
				t.Errorf("ping: %v", err)
			}
			if got := rows(t, s); !slices.Equal(got, kept) {
				t.Fatalf("rows %v are there, want %v", got, kept)
			}
		}
		drop()
		if err := insertLarge(s, next, 60_000); err != nil {
			t.Fatalf("when there is room again: %v", err)
		}
		kept = append(kept, int64(next))
		next++
		put(t, s, `DELETE FROM scratch WHERE n > 3`)
		kept = slices.DeleteFunc(kept, func(n int64) bool { return n > 3 })
	}
	intact(t, s)
}

// A refused transaction does not appear later in the life of the process, even if the log
// has all its frames: the commit failed after that, when the index of the log could not
// grow.
func TestRefusedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	dir, is := storetest.Disk(t, 40<<20)
	if !is {
		return
	}
	s := openAt(t, dir)
	createScratch(t, s)
	put(t, s, `PRAGMA wal_autocheckpoint = 0`)
	const indexed = 4062 // frames in the index's first 32 KB (walformat.html)
	frames := func() int64 {
		info, err := os.Stat(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return (info.Size() - 32) / (4096 + 24)
	}
	n := 1
	for ; frames() < indexed-20; n++ {
		if err := insertLarge(s, n, 10); err != nil {
			t.Fatal(err)
		}
	}
	// Room for some frames, but not for 32 KB more of index.
	drop := storetest.Ballast(t, dir, 24<<12)
	refused, err := fill(t, s, n, 10)
	if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.Full) || frames() <= indexed {
		t.Fatalf("refused with %v at frame %d, want it to fail behind frame %d", err, frames(), indexed)
	}
	for range 3 {
		if err := insertLarge(s, refused+1, 10); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v, want store.ErrUnavailable", err)
		}
		if last := number(t, s, `SELECT max(n) FROM scratch`); last != int64(refused-1) {
			t.Errorf("the last row is %d; %d was refused", last, refused)
		}
	}
	drop()
	if err := insertLarge(s, refused+2, 10); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if last := number(t, s, `SELECT count(*) FROM scratch WHERE n >= ?`, refused); last != 1 {
		t.Errorf("%d rows from number %d on, want 1", last, refused)
	}
	intact(t, s)
}

// Files that become read-only and writable again, with connections that were
// opened before and meanwhile.
func TestReadOnlyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if !storetest.CanFreeze(t, dir) {
		return
	}
	s := openAt(t, dir)
	createScratch(t, s)
	put(t, s, `INSERT INTO scratch VALUES (1, '')`)
	thaw := storetest.Freeze(t, s.path, s.path+"-wal", dir)
	for try := range 3 {
		err := insertLarge(s, 2, 10)
		if !errors.Is(err, store.ReadOnly) && (try > 0 || !errors.Is(err, store.Failing)) {
			t.Errorf("try %d: %v, want store.ReadOnly", try, err)
		}
		for range 2 * cap(s.readers) {
			if got := rows(t, s); !slices.Equal(got, []int64{1}) {
				t.Errorf("rows %v are there, want the one from before", got)
			}
		}
	}
	if _, err := os.Create(filepath.Join(dir, "file")); err == nil {
		t.Error("the directory can be written to")
	}
	thaw()
	if err := insertLarge(s, 3, 10); err != nil {
		t.Errorf("when they can be written to again: %v", err)
	}
	for range 2 * cap(s.readers) {
		if got := rows(t, s); !slices.Equal(got, []int64{1, 3}) {
			t.Errorf("rows %v are there, want 1 and 3", got)
		}
	}
	intact(t, s)
}

// TestCopyToAFullDisk tests that a copy names the disk that is full, once, and what to do.
func TestCopyToAFullDisk(t *testing.T) {
	t.Parallel()
	disk, is := storetest.Disk(t, 64<<10)
	if !is {
		return
	}
	dir := t.TempDir()
	if err := openAt(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Copy(t.Context(), dir, filepath.Join(disk, "copy.db"))
	if want := "copy the database: the disk of " + disk + " is full: free space there, or name a " +
		"directory on another disk"; err == nil || err.Error() != want {
		t.Errorf("copied with %v, want %q", err, want)
	}
}
