package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// A database that was put back from a copy lacks what was committed since, and
// what it stores from now on under the same seqs is something else. Clients know
// by the epoch of a log whether it is the one they have read, so the epochs have
// to be new then. To find out, the database and a file beside it bear the same
// mark, which changes every now and then (Mark), and the database knows the
// number of its own file. A copy that is younger than the last mark but one, put
// back into the same file, is not recognised.

// marks is what the file beside the database says: the mark that is being
// written, and the one before it.
type marks struct{ next, last string }

// markFile is its name in the data directory.
const markFile = "gatehouse.mark"

func readMarks(dbFile string) (m marks, err error) {
	err = within(filepath.Dir(dbFile), func(dir *os.Root) error {
		text, err := dir.ReadFile(markFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		next, last, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
		m = marks{string(next), string(last)}
		return err
	})
	if err != nil {
		return marks{}, fmt.Errorf("read the database's mark: %w", err)
	}
	return m, nil
}

// write makes the marks durable, all or nothing.
func (m marks) write(dbFile string) error {
	const draft = markFile + ".new"
	err := within(filepath.Dir(dbFile), func(dir *os.Root) error {
		if err := writeSynced(dir, draft, m.next+"\n"+m.last+"\n"); err != nil {
			return err
		}
		if err := dir.Rename(draft, markFile); err != nil {
			return err
		}
		return syncNames(dir)
	})
	if err != nil {
		return fmt.Errorf("write the database's mark: %w", err)
	}
	return nil
}

func writeSynced(dir *os.Root, file, text string) error {
	f, err := dir.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Mark gives the database another mark, if anything was stored since the last
// one. Call it every minute or so.
func (s *Store) Mark(ctx context.Context) error {
	before := s.commits.Load()
	if before == s.marked.Load() {
		return nil
	}
	err := s.Update(ctx, func(tx *Tx) error { return renewMark(tx, s.path) })
	if err == nil {
		s.marked.Store(before + 1) // whatever was committed with it is older
	}
	return err
}

// renewMark writes the file first: whichever of the two marks a crash leaves in
// the database, the file knows it.
func renewMark(tx *Tx, dbFile string) error {
	last, err := meta(tx, "mark")
	if err != nil {
		return err
	}
	m := marks{next: rand.Text(), last: last}
	if err := m.write(dbFile); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return errors.Join(setMeta(tx, "mark", m.next), setMeta(tx, "file", fileNumber(dbFile)))
}

// renewEpochs gives every session's log another epoch if this database was put
// back from a copy, and reports whether it was.
func renewEpochs(tx *Tx, dbFile string) (restored bool, err error) {
	known, err := readMarks(dbFile)
	if err != nil {
		return false, err
	}
	mark, err := meta(tx, "mark")
	if err != nil {
		return false, err
	}
	number, err := meta(tx, "file")
	if err != nil {
		return false, err
	}
	fresh := mark == "" && known.next == ""
	if fresh || (mark == known.next || mark == known.last) && number == fileNumber(dbFile) {
		return false, nil
	}
	_, err = tx.Exec(`UPDATE sessions SET epoch = lower(hex(randomblob(8)))`)
	return err == nil, err
}

// fileNumber is what tells a file from a copy of it, or "" where nothing does.
func fileNumber(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	if n := inode(info); n != 0 {
		return strconv.FormatUint(n, 10)
	}
	return ""
}
