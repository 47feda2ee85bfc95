package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// A database that was restored from a backup lacks the latest events, and its next events
// will reuse their seqs. Clients recognise a log by its epoch, so after a restore all
// epochs must change. To notice a restore, the database and a file next to it have the
// same mark, which changes every minute or so (Mark), and the database stores the inode
// of its own file. A restore is not noticed if the backup is newer than the last mark but
// one and was copied into the same file.

// The mark file also tells, after a crash, whether the write-ahead log that the process
// left belongs to the database next to it (inspect). SQLite cannot tell: it would copy the
// pages of the log into any database.

// marks is the content of the mark file.
type marks struct {
	next, last string // the mark that is being written, and the one before
	// files are the inodes of the database and of its log, when the mark was written.
	files string
	// cookie is SQLite's schema cookie in the database file, which copies made by SQLite
	// do not share; -1 if it is not known.
	cookie int64
	// stored are the marks that the database file may have without its log: the one at
	// the last checkpoint of everything, and all later ones, separated by spaces. Empty:
	// not known.
	stored string
}

// maxStored limits marks.stored. If checkpoints fail for so long, marks.stored is emptied.
const maxStored = 100

// readMarks reads the mark file. Without a file, the marks are empty.
func readMarks(dbFile string) (m marks, err error) {
	err = within(filepath.Dir(dbFile), func(dir *os.Root) error {
		text, err := dir.ReadFile(MarkFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		m = parseMarks(string(text))
		return err
	})
	if err != nil {
		return marks{}, fmt.Errorf("read the database's mark: %w", err)
	}
	return m, nil
}

// parseMarks parses what text returns, and the two lines that older versions wrote.
func parseMarks(text string) marks {
	lines := append(strings.Split(strings.TrimRight(text, "\n"), "\n"), "", "", "", "")
	m := marks{next: lines[0], last: lines[1], files: lines[2], cookie: -1,
		stored: lines[4]}
	if n, err := strconv.ParseInt(lines[3], 10, 64); err == nil {
		m.cookie = n
	}
	return m
}

func (m marks) text() string {
	return strings.Join([]string{m.next, m.last, m.files, strconv.FormatInt(m.cookie, 10),
		m.stored}, "\n") + "\n"
}

// write writes the mark file, atomically and durably.
func (m marks) write(dbFile string) error {
	const temp = MarkFile + ".new"
	err := within(filepath.Dir(dbFile), func(dir *os.Root) error {
		if err := writeSynced(dir, temp, m.text()); err != nil {
			return err
		}
		if err := dir.Rename(temp, MarkFile); err != nil {
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
	s.settle.Store(true)
	err := s.Update(ctx, func(tx *Tx) error { return renewMark(tx, s.path) })
	if err == nil {
		s.marked.Store(before + 1) // the commit of the mark itself counts, too
	}
	return err
}

// The checkpoints of settleMark.
const (
	copyLog  = "PRAGMA wal_checkpoint(PASSIVE)"  // waits for nobody
	emptyLog = "PRAGMA wal_checkpoint(TRUNCATE)" // also empties the log
)

// settleMark copies the log into the database file, and then notes in the mark file which
// mark the database file has. If readers prevent that, the next call tries again.
func settleMark(tx *Tx, dbFile, checkpoint string) error {
	var blocked bool
	var pages, copied int64
	if err := tx.QueryRow(checkpoint).Scan(&blocked, &pages,
		&copied); err != nil || blocked || pages != copied {
		return err
	}
	m, err := readMarks(dbFile)
	if err != nil {
		return err
	}
	mark, err := meta(tx, "mark")
	if err != nil || mark != m.next {
		return err
	}
	m.stored, m.files = mark, fileNumber(dbFile)+" "+fileNumber(dbFile+"-wal")
	if err := tx.QueryRow("PRAGMA schema_version").Scan(&m.cookie); err != nil {
		return err
	}
	return m.write(dbFile)
}

// forgetStored removes from the mark file what it says about the database file. A migration
// changes the schema cookie. If the process is killed then, the next start must not take the
// log for another database's.
func forgetStored(dbFile string) error {
	m, err := readMarks(dbFile)
	if err != nil || m.stored == "" {
		return err
	}
	m.stored, m.cookie = "", -1
	return m.write(dbFile)
}

// renewMark changes the mark. It writes the file before the database, so that after a
// crash the file has the database's mark, as its next or its last one.
func renewMark(tx *Tx, dbFile string) error {
	last, err := meta(tx, "mark")
	if err != nil {
		return err
	}
	m := marks{next: rand.Text(), last: last, cookie: -1,
		files: fileNumber(dbFile) + " " + fileNumber(dbFile+"-wal")}
	before, err := readMarks(dbFile)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if n := len(strings.Fields(before.stored)); n > 0 && n < maxStored && before.next == last {
		m.stored, m.cookie = before.stored+" "+m.next, before.cookie
	}
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
