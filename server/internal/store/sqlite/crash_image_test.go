package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// diskImage has the files of a store between two transactions.
type diskImage struct {
	db, wal, shm, mark []byte
	rows               string // what dumpRows returns
}

// files returns the contents of the image's files, by name.
func (i *diskImage) files() map[string]*[]byte {
	return map[string]*[]byte{
		"gatehouse.db": &i.db, "gatehouse.db-wal": &i.wal, "gatehouse.db-shm": &i.shm, "gatehouse.mark": &i.mark,
	}
}

// capture reads the image of an open store. No Update runs meanwhile.
func capture(t *rapid.T, s *Store) (m diskImage) {
	t.Helper()
	err := s.Update(context.Background(), func(tx *Tx) (err error) {
		if m.rows, err = dumpRows(tx); err != nil {
			return err
		}
		for name, into := range m.files() {
			if *into, err = os.ReadFile(filepath.Join(filepath.Dir(s.path), name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return m
}

// dumpRows returns all rows of the tables of sessions, as text.
func dumpRows(tx *Tx) (string, error) {
	var b strings.Builder
	for _, table := range []string{"sessions", "events", "messages", "runs", "sends"} {
		names, err := all(tx.Query(`SELECT name FROM pragma_table_info(?)`, table), func(row Row) (name string, err error) {
			err = row.Scan(&name)
			return name, err
		})
		if err != nil {
			return "", err
		}
		rows, err := all(tx.Query(`SELECT quote(`+strings.Join(names, `) || ' ' || quote(`)+`) FROM `+table), func(row Row) (text string, err error) {
			err = row.Scan(&text)
			return text, err
		})
		if err != nil {
			return "", err
		}
		slices.Sort(rows)
		fmt.Fprintf(&b, "%s\n%s\n", table, strings.Join(rows, "\n"))
	}
	return b.String(), nil
}

// emptyStore returns the database file of a store that has only its tables.
func emptyStore(t *testing.T) []byte {
	t.Helper()
	s := openTest(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// openCopy opens a store on a copy of the database db, in a new directory in dir. The
// write-ahead log is checkpointed after that many pages; 0 is never.
func openCopy(t *rapid.T, dir string, db []byte, pages int) *Store {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "gatehouse.db"), db, 0o600)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	var was int64
	if err := s.Update(context.Background(), func(tx *Tx) error {
		return tx.QueryRow(fmt.Sprint("PRAGMA wal_autocheckpoint = ", pages)).Scan(&was)
	}); err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// rowsAfterCrash replaces the files in dir with the image, as after a crash, opens the
// store and returns its rows. It fails unless the store is consistent.
func rowsAfterCrash(t *rapid.T, dir string, image diskImage) string {
	t.Helper()
	for name, data := range image.files() {
		file := filepath.Join(dir, name)
		var err error
		if *data == nil {
			err = os.RemoveAll(file)
		} else {
			err = os.WriteFile(file, *data, 0o600)
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer s.Close()
	var rows, verdict string
	err = s.View(context.Background(), func(tx *Tx) (err error) {
		if rows, err = dumpRows(tx); err != nil {
			return err
		}
		return tx.QueryRow(`PRAGMA integrity_check`).Scan(&verdict)
	})
	if err != nil || verdict != "ok" {
		t.Fatalf("%q, %v", verdict, err)
	}
	if _, _, err := session.New(s.Sessions(), storetest.DiscardEvents{}, setting.Fixed(session.Settings{})).Recover(context.Background(), "the next", true); err != nil {
		t.Fatalf("recover: %v", err)
	}
	storetest.CheckConsistency(t, s.Sessions())
	return rows
}

// owner owns all sessions of these tests.
var owner = session.Caller{UserID: "ann", Role: protocol.Operator}

// runSteps makes that many changes in two sessions, each in one transaction. It returns
// the images before the first change and after each.
func runSteps(t *rapid.T, s *Store, steps int) []diskImage {
	service := session.New(s.Sessions(), storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
	images := []diskImage{capture(t, s)}
	running := map[string]session.StartedRun{}
	for n := range steps {
		key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session")
		b, runs := running[key]
		text := strings.Repeat(fmt.Sprintf("text %d ", n), rapid.IntRange(1, 1000).Draw(t, "length"))
		var err error
		switch what := rapid.IntRange(0, 9).Draw(t, "step"); {
		case what == 0 && n > 0:
			if _, err = service.Reset(context.Background(), owner.To(key)); err == nil {
				delete(running, key)
			}
		case what < 3 || n == 0:
			_, err = service.Send(context.Background(), owner.To(key), session.SendRequest{
				DefaultAgent: "demo", Message: text, IdempotencyKey: fmt.Sprint(n)})
		case !runs:
			if b, err = service.Begin(context.Background(), key, "this"); err == nil {
				running[key] = b
			}
		case what < 8:
			err = service.Append(context.Background(), b, []session.Piece{{Text: text}, {Thinking: "so"}})
		default:
			err = service.Finish(context.Background(), b, session.Outcome{Status: session.RunCompleted})
			delete(running, key)
		}
		var refusal *protocol.Error
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.As(err, &refusal) {
			t.Fatalf("%v", err)
		}
		images = append(images, capture(t, s))
	}
	return images
}

// runAndClose makes some changes with runSteps and closes the store. It returns the
// store's directory and the images.
func runAndClose(t *rapid.T, s *Store) (dir string, images []diskImage) {
	t.Helper()
	images = runSteps(t, s, rapid.IntRange(2, 10).Draw(t, "steps"))
	if err := s.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return filepath.Dir(s.path), images
}

// tearWrite returns a file whose write was under way when the power failed: each sector
// has the old or the new content, or everything up to some byte was written.
func tearWrite(t *rapid.T, before, now []byte) []byte {
	const sector = 512
	file := slices.Clone(now)
	switch rapid.SampledFrom([]string{"up to a byte", "some sectors"}).Draw(t, "tear") {
	case "up to a byte":
		at := rapid.IntRange(firstChange(before, now), len(now)).Draw(t, "at")
		file = slices.Concat(now[:at], before[min(at, len(before)):])
	default:
		kept := rapid.SliceOfN(rapid.Bool(), 1, 64).Draw(t, "written") // over and over
		for i, n := 0, 0; i < len(file); i += sector {
			end := min(i+sector, len(file))
			old := make([]byte, end-i)
			copy(old, before[min(i, len(before)):])
			if bytes.Equal(old, file[i:end]) {
				continue
			}
			if !kept[n%len(kept)] {
				copy(file[i:end], old)
			}
			n++
		}
	}
	return file
}

// tearLog does what tearWrite does, for the write-ahead log. When the log begins again,
// SQLite syncs the header before it writes a frame (pWal->syncHeader), because old frames
// would be valid otherwise. So tearLog keeps the header.
func tearLog(t *rapid.T, before, now []byte) []byte {
	const header = 32 // https://www.sqlite.org/fileformat2.html#the_wal_header_format
	file := tearWrite(t, before, now)
	if len(before) >= header && !bytes.Equal(file[header:], before[header:]) {
		copy(file[:header], now)
	}
	return file
}

// firstChange returns the first index at which a and b differ.
func firstChange(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Whatever a loss of power leaves of a transaction's write and of a checkpoint, all
// earlier transactions are in the store, and this one is there completely or not at all.
func TestTornWrites(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("only one goroutine, and SQLite is ten times slower")
	}
	temp, empty := t.TempDir(), emptyStore(t)
	checkpointed, undone, done := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		// The log is checkpointed and begins again now and then.
		dir, images := runAndClose(t, openCopy(t, temp, empty, rapid.IntRange(1, 100).Draw(t, "checkpoint")))
		defer os.RemoveAll(dir)
		for range 3 {
			i := rapid.IntRange(1, len(images)-1).Draw(t, "image")
			before, now := images[i-1], images[i]
			image := diskImage{db: before.db, wal: tearLog(t, before.wal, now.wal), mark: now.mark}
			committed := bytes.Equal(image.wal, now.wal)
			if committed && !bytes.Equal(before.db, now.db) {
				image.db = tearWrite(t, before.db, now.db)
				checkpointed++
			}
			if rapid.Bool().Draw(t, "with an index") { // SQLite rebuilds the index, whatever is in it
				image.shm = []diskImage{before, now}[rapid.IntRange(0, 1).Draw(t, "of")].shm
			}
			switch rows := rowsAfterCrash(t, dir, image); {
			case rows == now.rows:
				done++
			case rows == before.rows && !committed:
				undone++
			default:
				t.Fatalf("step %d: committed is %v, and there is\n%.3000s\nbefore it was\n%.3000s\nand after\n%.3000s", i, committed, rows, before.rows, now.rows)
			}
		}
	})
	if checkpointed == 0 || undone == 0 || done == 0 {
		t.Errorf("of the torn writes %d were done, %d undone, %d of a checkpoint", done, undone, checkpointed)
	}
}

// A log that is cut off anywhere, as by a disk that loses acknowledged writes, has
// exactly the transactions before the cut.
func TestCutLog(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("only one goroutine, and SQLite is ten times slower")
	}
	temp, empty := t.TempDir(), emptyStore(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, images := runAndClose(t, openCopy(t, temp, empty, 0)) // never: what was checkpointed cannot be cut off
		defer os.RemoveAll(dir)
		last := images[len(images)-1]
		for range 3 {
			cut := rapid.IntRange(len(images[0].wal), len(last.wal)).Draw(t, "cut")
			kept := 0
			for i, m := range images {
				if len(m.wal) <= cut {
					kept = i
				}
			}
			image := diskImage{db: last.db, wal: last.wal[:cut], mark: last.mark}
			if rows := rowsAfterCrash(t, dir, image); rows != images[kept].rows {
				t.Fatalf("cut at %d there is\n%.3000s\nwant the first %d steps\n%.3000s", cut, rows, kept, images[kept].rows)
			}
		}
	})
}
