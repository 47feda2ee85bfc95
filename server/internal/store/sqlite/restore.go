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

// A database that was restored from a backup lacks the latest events, and its next events
// will reuse their seqs. Clients recognise a log by its epoch, so after a restore all
// epochs must change. To notice a restore, the database and a file next to it have the
// same mark, which changes every minute or so (Mark), and the database stores the inode
// of its own file. A restore is not noticed if the backup is newer than the last mark but
// one and was copied into the same file.

// marks is the content of the mark file: the mark that is being written, and the one
// before.
type marks struct{ next, last string }

// markFile is the name of the mark file in the data directory.
const markFile = "gatehouse.mark"

// readMarks reads the mark file. Without a file, the marks are empty.
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

// write writes the mark file, atomically and durably.
func (m marks) write(dbFile string) error {
	const temp = markFile + ".new"
	err := within(filepath.Dir(dbFile), func(dir *os.Root) error {
		if err := writeSynced(dir, temp, m.next+"\n"+m.last+"\n"); err != nil {
			return err
		}
		if err := dir.Rename(temp, markFile); err != nil {
			return err
		}
		return syncNames(dir)
	})
	if err != nil {
		return fmt.Errorf("write the database's mark: %w", err)
	}
	return nil
}

// writeSynced writes a file durably.
func writeSynced(dir *os.Root, file, text string) error {
	f, err := dir.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Mark changes the mark, if anything was committed since the last mark. Call it every
// minute or so.
func (s *Store) Mark(ctx context.Context) error {
	before := s.commits.Load()
	if before == s.marked.Load() {
		return nil
	}
	err := s.Update(ctx, func(tx *Tx) error { return renewMark(tx, s.path) })
	if err == nil {
		s.marked.Store(before + 1) // the commit of the mark itself counts, too
	}
	return err
}

// renewMark changes the mark. It writes the file before the database, so that after a
// crash the file has the database's mark, as its next or its last one.
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

// renewEpochs gives every session another epoch if the database was restored from a
// backup, and reports whether it was.
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

// fileNumber returns the inode of a file, which a copy of the file does not share, or ""
// if it is not known.
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
