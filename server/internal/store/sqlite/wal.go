package sqlite

import (
	"errors"
	"os"
	"time"
)

// SQLite checkpoints the log after every 1000 pages, but it can restart the log only
// while nobody reads from it. If readers overlap without a pause, the log grows, and even
// stronger checkpoints wait in vain (https://www.sqlite.org/wal.html, "Avoiding
// Excessively Large WAL Files"). So when the log is larger than walLimit, the committer
// takes all readers for the duration of a checkpoint.
const (
	walLimit = 32 << 20               // bytes
	walWait  = 250 * time.Millisecond // how long the committer waits for the readers
	walPause = 5 * time.Second        // the pause after a failed checkpoint
)

// checkpointIfLarge empties the log if it is larger than the limit.
func (w *committer) checkpointIfLarge() {
	info, err := os.Stat(w.s.path + "-wal")
	if err != nil || info.Size() < w.s.walLimit || w.c == nil ||
		time.Now().Before(w.nextCheckpoint) {
		return
	}
	if err := w.checkpointWithoutReaders(); err != nil {
		w.nextCheckpoint = time.Now().Add(walPause)
		w.s.log.Warn("store: the write-ahead log could not be emptied, will retry", "bytes",
			info.Size(), "error", err)
	}
}

// checkpointWithoutReaders takes all readers and empties the log. It waits up to walWait
// for running Views: one of them might be waiting for an Update.
func (w *committer) checkpointWithoutReaders() error {
	held := make([]*reader, 0, cap(w.s.readers))
	defer func() {
		for _, r := range held {
			w.s.readers <- r
		}
	}()
	timeout := time.NewTimer(walWait)
	defer timeout.Stop()
	for range cap(w.s.readers) {
		select {
		case r := <-w.s.readers:
			held = append(held, r)
		case <-timeout.C:
			return errReading
		}
	}
	return w.checkpoint()
}

// checkpoint empties the log, unless another program prevents it. It does not wait for
// other programs, because all readers are waiting.
func (w *committer) checkpoint() error {
	if err := w.setWait(noWait); err != nil {
		return err
	}
	var blocked bool
	var pages, copied int64
	err := (&Tx{c: w.c}).QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &pages, &copied)
	if err == nil && blocked {
		err = errReading
	}
	return errors.Join(err, w.setWait(w.s.fullWait))
}

// errReading says that a reader prevents a checkpoint.
var errReading = errors.New("a reader has not finished in time")
