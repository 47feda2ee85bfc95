package sqlite

import (
	"errors"
	"os"
	"time"
)

// SQLite folds the log back after every 1000 pages by itself, but can start it
// over only when nobody reads from it; if readers overlap without a pause the
// log grows, and even its stronger kinds of checkpoint wait in vain
// (https://www.sqlite.org/wal.html, "Avoiding Excessively Large WAL Files").
// So when the log is above walLimit the committer takes all reading connections
// for the moment that folding needs.
const (
	walLimit = 32 << 20 // bytes
	walWait  = 250 * time.Millisecond
	walPause = 5 * time.Second // after having waited in vain
)

// fold empties the log if it has grown beyond the limit.
func (w *committer) fold() {
	info, err := os.Stat(w.s.path + "-wal")
	if err != nil || info.Size() < w.s.walLimit || w.c == nil || time.Now().Before(w.nextFold) {
		return
	}
	if err := w.foldAlone(); err != nil {
		w.nextFold = time.Now().Add(walPause)
		w.s.log.Warn("store: the write-ahead log cannot be folded yet", "bytes", info.Size(), "error", err)
	}
}

// foldAlone folds while nobody reads. It waits for the Views under way, but not
// for ever: one of them might wait for an Update.
func (w *committer) foldAlone() error {
	held := make([]*reader, 0, cap(w.s.readers))
	defer func() {
		for _, r := range held {
			w.s.readers <- r
		}
	}()
	enough := time.NewTimer(walWait)
	defer enough.Stop()
	for range cap(w.s.readers) {
		select {
		case r := <-w.s.readers:
			held = append(held, r)
		case <-enough.C:
			return errReading
		}
	}
	return w.checkpoint()
}

// checkpoint folds the log if no other program is in the way. It does not wait
// for one: all readers wait for it.
func (w *committer) checkpoint() error {
	if err := w.wait(noWait); err != nil {
		return err
	}
	var blocked bool
	var pages, folded int64
	err := (&Tx{c: w.c}).QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &pages, &folded)
	if err == nil && blocked {
		err = errReading
	}
	return errors.Join(err, w.wait(w.s.fullWait))
}

var errReading = errors.New("somebody reads from it for long")
