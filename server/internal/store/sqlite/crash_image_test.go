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

// instant is what lies on the disk between two transactions.
type instant struct {
	db, wal, shm, mark []byte
	holds              string // all rows
}

// files are the names of what lies there.
func (i *instant) files() map[string]*[]byte {
	return map[string]*[]byte{
		"gatehouse.db": &i.db, "gatehouse.db-wal": &i.wal, "gatehouse.db-shm": &i.shm, "gatehouse.mark": &i.mark,
	}
}

// capture stops the store's writer for as long as it takes to look.
func capture(t *rapid.T, s *Store) (m instant) {
	t.Helper()
	err := s.Update(context.Background(), func(tx *Tx) (err error) {
		if m.holds, err = everything(tx); err != nil {
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

// everything is every row of the tables of sessions.
func everything(tx *Tx) (string, error) {
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

// emptyStore is the database of a store that has its tables.
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

// fresh opens a store on the database of another, somewhere in dir. Its log is
// folded after so many pages.
func fresh(t *rapid.T, dir string, db []byte, pages int) *Store {
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

// after is what the store in dir holds when it finds these files. They take the
// place of what is there, as it is after a crash.
func after(t *rapid.T, dir string, image instant) string {
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
	var holds, verdict string
	err = s.View(context.Background(), func(tx *Tx) (err error) {
		if holds, err = everything(tx); err != nil {
			return err
		}
		return tx.QueryRow(`PRAGMA integrity_check`).Scan(&verdict)
	})
	if err != nil || verdict != "ok" {
		t.Fatalf("%q, %v", verdict, err)
	}
	if _, _, err := session.New(s.Sessions(), silent{}, setting.Fixed(session.Settings{})).Recover(context.Background(), "the next", true); err != nil {
		t.Fatalf("recover: %v", err)
	}
	storetest.CheckConsistency(t, s.Sessions())
	return holds
}

type silent struct{}

func (silent) Publish(session.Event) {}

var keeper = session.Caller{UserID: "ann", Role: protocol.Operator}

// talk does so many things in two sessions, each of which is one transaction.
func talk(t *rapid.T, s *Store, deeds int) []instant {
	service := session.New(s.Sessions(), silent{}, setting.Fixed(session.Settings{}))
	instants := []instant{capture(t, s)}
	running := map[string]session.StartedRun{}
	for n := range deeds {
		key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session")
		b, runs := running[key]
		text := strings.Repeat(fmt.Sprintf("text %d ", n), rapid.IntRange(1, 1000).Draw(t, "length"))
		var err error
		switch what := rapid.IntRange(0, 9).Draw(t, "deed"); {
		case what == 0 && n > 0:
			if _, err = service.Reset(context.Background(), keeper.To(key)); err == nil {
				delete(running, key)
			}
		case what < 3 || n == 0:
			_, err = service.Send(context.Background(), keeper.To(key), session.SendRequest{
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
		instants = append(instants, capture(t, s))
	}
	return instants
}

// talked lets some things be done in a store and closes it. It gives the
// directory, and the instants before the first and after each.
func talked(t *rapid.T, s *Store) (dir string, instants []instant) {
	t.Helper()
	instants = talk(t, s, rapid.IntRange(2, 10).Draw(t, "deeds"))
	if err := s.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return filepath.Dir(s.path), instants
}

// torn is what is left of a write that was under way when the power failed: of
// each sector the new content or the old one, and what was to be added wholly,
// in part or not at all.
func torn(t *rapid.T, before, now []byte) []byte {
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

// tornLog is torn for the log. One that begins anew has its header on the disk
// before anything behind it is written: SQLite sees to that (pWal->syncHeader),
// since frames of the log before would count otherwise.
func tornLog(t *rapid.T, before, now []byte) []byte {
	const header = 32 // https://www.sqlite.org/fileformat2.html#the_wal_header_format
	file := torn(t, before, now)
	if len(before) >= header && !bytes.Equal(file[header:], before[header:]) {
		copy(file[:header], now)
	}
	return file
}

func firstChange(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Whatever a loss of power leaves of a transaction on its way to the disk, and of
// the folding of the log behind it, everything acknowledged before is there, and
// that transaction wholly or not at all.
func TestTornWrites(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine at a time, and SQLite takes ten times as long")
	}
	images, empty := t.TempDir(), emptyStore(t)
	folded, undone, done := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		// So that the log is folded, and begun again, now and then.
		dir, instants := talked(t, fresh(t, images, empty, rapid.IntRange(1, 100).Draw(t, "checkpoint")))
		defer os.RemoveAll(dir)
		for range 3 {
			i := rapid.IntRange(1, len(instants)-1).Draw(t, "instant")
			before, now := instants[i-1], instants[i]
			image := instant{db: before.db, wal: tornLog(t, before.wal, now.wal), mark: now.mark}
			committed := bytes.Equal(image.wal, now.wal)
			if committed && !bytes.Equal(before.db, now.db) {
				image.db = torn(t, before.db, now.db)
				folded++
			}
			if rapid.Bool().Draw(t, "with an index") { // it is made anew, whatever is in it
				image.shm = []instant{before, now}[rapid.IntRange(0, 1).Draw(t, "of")].shm
			}
			switch holds := after(t, dir, image); {
			case holds == now.holds:
				done++
			case holds == before.holds && !committed:
				undone++
			default:
				t.Fatalf("deed %d: committed is %v, and there is\n%.3000s\nbefore it was\n%.3000s\nand after\n%.3000s", i, committed, holds, before.holds, now.holds)
			}
		}
	})
	if folded == 0 || undone == 0 || done == 0 {
		t.Errorf("of the torn writes %d were done, %d undone, %d of the folding", done, undone, folded)
	}
}

// A log that was cut off anywhere, as a disk that loses what it had acknowledged
// does, holds exactly the transactions that lie before the cut.
func TestCutLog(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine at a time, and SQLite takes ten times as long")
	}
	images, empty := t.TempDir(), emptyStore(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, instants := talked(t, fresh(t, images, empty, 0)) // what is folded is not cut off
		defer os.RemoveAll(dir)
		last := instants[len(instants)-1]
		for range 3 {
			cut := rapid.IntRange(len(instants[0].wal), len(last.wal)).Draw(t, "cut")
			kept := 0
			for i, m := range instants {
				if len(m.wal) <= cut {
					kept = i
				}
			}
			image := instant{db: last.db, wal: last.wal[:cut], mark: last.mark}
			if holds := after(t, dir, image); holds != instants[kept].holds {
				t.Fatalf("cut at %d there is\n%.3000s\nwant the first %d deeds\n%.3000s", cut, holds, kept, instants[kept].holds)
			}
		}
	})
}
