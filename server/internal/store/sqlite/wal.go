package sqlite

import (
	"context"
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
	var blocked bool
	var pages, folded int64
	err := (&Tx{c: w.c}).QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &pages, &folded)
	if err == nil && blocked {
		err = errReading
	}
	return err
}

var errReading = errors.New("somebody reads from it for long")

// pingEvery is how long a successful Ping is believed, so that whoever asks for
// readiness cannot make the disk busy.
const pingEvery = time.Second

// Ping reports whether something can be committed now, by committing something:
// a full or read-only disk shows in no other way. Unlike Update it gives up when
// ctx ends.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	now := time.Now()
	if last := s.pinged.Load(); last != nil && now.Sub(*last) < pingEvery {
		return nil
	}
	u, err := s.submit(ctx, func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO meta (key, value) VALUES ('pinged', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
			now.UTC().Format(time.RFC3339Nano))
		return err
	})
	if err != nil {
		return err
	}
	select {
	case <-u.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if u.err == nil {
		s.pinged.Store(&now)
	}
	return u.err
}
