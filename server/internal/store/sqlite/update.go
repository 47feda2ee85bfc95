package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"
)

// update is one call of Update.
type update struct {
	fn    func(*Tx) error
	state atomic.Int32
	err   error         // the result; set before done is closed
	done  chan struct{} // is closed when the update is finished
}

// The states of an update. Whichever of the caller and the committer changes waiting
// first decides whether fn is called.
const (
	waiting int32 = iota
	started
	abandoned
)

// Update calls fn in a transaction, and returns nil when its changes are on disk. Updates
// run one after another; waiting ones are committed together. If fn returns an error or
// panics, only its own changes are undone. If the commit fails, all Updates in it fail,
// with an error that wraps store.ErrUnavailable. If the process then ends before another
// commit succeeds, the database may have their changes all the same.
//
// fn must be quick, must not wait for anything, and must not call Update, which would
// wait for fn. If ctx is done before fn is called, fn is never called, and the error is
// the context's cause. After that, Update waits for the result.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	u, err := s.submit(ctx, fn)
	if err != nil {
		return err
	}
	select {
	case <-u.done:
	case <-ctx.Done():
		if u.state.CompareAndSwap(waiting, abandoned) {
			return context.Cause(ctx)
		}
		<-u.done
	}
	return u.err
}

// submit queues fn for the committer.
func (s *Store) submit(ctx context.Context, fn func(*Tx) error) (*update, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	u := &update{fn: fn, done: make(chan struct{})}
	select {
	case s.queue <- u:
		return u, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// maxBatch limits the Updates in one transaction: how long the first of them waits for
// the last, and how many fail if the commit fails.
const maxBatch = 512

// committer is the goroutine that writes. Only this goroutine uses its fields.
type committer struct {
	s *Store
	c *conn // nil after it was dropped

	hurried        bool      // whether statements wait only shortWait: another program has the lock
	nextCheckpoint time.Time // when to try again after a failed checkpoint
}

// The pragmas for how long a statement waits for another program's lock.
const (
	noWait    = "PRAGMA busy_timeout = 0"
	shortWait = "PRAGMA busy_timeout = 100"
)

// loop commits queued updates until the queue is closed. There is no delay: while one
// transaction is written to disk, the next batch gathers.
func (w *committer) loop() {
	defer close(w.s.committed)
	batch := make([]*update, 0, maxBatch)
	for first := range w.s.queue {
		// Let other goroutines queue their updates. With one processor, each update would
		// otherwise be committed alone.
		runtime.Gosched()
		batch = append(batch[:0], first)
		for len(batch) < maxBatch && len(w.s.queue) > 0 {
			batch = append(batch, <-w.s.queue) // this is the only receiver
		}
		w.commit(batch)
		clear(batch)
		w.settleMark()
		w.checkpointIfLarge()
	}
	w.mark()
	if w.c != nil {
		if err := w.c.close(); err != nil {
			w.s.log.Warn("store: close the writing connection", "error", err)
		}
	}
}

// mark changes the mark, as the last commit before the store is closed.
func (w *committer) mark() {
	if w.s.commits.Load() == w.s.marked.Load() {
		return
	}
	u := &update{fn: func(tx *Tx) error { return renewMark(tx, w.s.path) },
		done: make(chan struct{})}
	w.commit([]*update{u})
	if u.err != nil {
		w.s.log.Warn("store: mark the database", "error", u.err)
	}
}

// settleMark calls settleMark after a Mark.
func (w *committer) settleMark() {
	if w.c == nil || !w.s.settle.Swap(false) {
		return
	}
	if err := settleMark(&Tx{c: w.c}, w.s.path, copyLog); err != nil {
		w.s.log.Warn("store: note the database's mark", "error", err)
	}
}

// commit commits a batch and finishes each of its updates.
func (w *committer) commit(batch []*update) {
	live := batch[:0]
	for _, u := range batch {
		if u.state.CompareAndSwap(waiting, started) {
			live = append(live, u)
		}
	}
	if len(live) == 0 {
		return
	}
	err := w.transact(live)
	if err != nil {
		w.s.failed.Store(&failed{time.Now(), err})
	}
	for _, u := range live {
		if err != nil {
			// Even if fn returned an error: fn may have read what another update of this
			// transaction wrote, and that is undone.
			u.err = err
		}
		w.s.noteDamage(u.err)
		close(u.done)
	}
}

// transact runs the batch in one transaction. If it returns an error, nothing was stored.
func (w *committer) transact(batch []*update) error {
	begun := time.Now()
	if err := w.begin(); err != nil {
		return failure("begin a transaction", err)
	}
	changed, err := w.run(batch)
	if err == nil && changed {
		if _, err = w.c.exec("COMMIT"); err == nil {
			w.s.commits.Add(1)
			w.s.onCommit(time.Since(begun))
			return nil
		}
		err = failure("commit", err)
	}
	// This fails if the engine has already ended the transaction. If it fails for another
	// reason, the next begin fails.
	_, _ = w.c.exec("ROLLBACK")
	if err != nil && !keepsConnection(err) {
		w.drop()
	}
	return err
}

// drop closes the connection. The next transaction opens another one.
func (w *committer) drop() {
	w.c.drop()
	w.c, w.hurried = nil, false
}

// setWait runs a pragma that sets how long statements wait for another program's lock.
func (w *committer) setWait(pragma string) error {
	var was int64
	err := (&Tx{c: w.c}).QueryRow(pragma).Scan(&was)
	if err != nil {
		w.drop()
		return err
	}
	w.hurried = pragma == shortWait
	return nil
}

// begin begins a transaction that has the write lock from the start. If another program
// holds the lock for too long, later transactions wait only shortWait, until one
// succeeds. After any other failure, the connection is replaced.
func (w *committer) begin() error {
	if w.c == nil {
		c, err := grab(context.Background(), w.s.db)
		if err != nil {
			return err
		}
		w.c = c
	}
	_, err := w.c.exec("BEGIN IMMEDIATE")
	switch {
	case err == nil && w.hurried:
		return w.setWait(w.s.fullWait)
	case code(err) == lib.SQLITE_BUSY && !w.hurried:
		return errors.Join(err, w.setWait(shortWait))
	case err != nil && code(err) != lib.SQLITE_BUSY:
		w.drop()
	}
	return err
}

// run calls the functions of the batch. changed is false if all of them failed, so that
// there is nothing to commit.
// If it returns an error, the transaction cannot be committed.
func (w *committer) run(batch []*update) (changed bool, err error) {
	if len(batch) == 1 {
		u := batch[0]
		u.err, err = runIn(w.c, u.fn)
		return u.err == nil, err
	}
	for _, u := range batch {
		if err := w.runInSavepoint(u); err != nil {
			return false, err
		}
		changed = changed || u.err == nil
	}
	return changed, nil
}

// runInSavepoint calls the function of one update so that it can be undone alone.
func (w *committer) runInSavepoint(u *update) error {
	if _, err := w.c.exec("SAVEPOINT one"); err != nil {
		return failure("begin a savepoint", err)
	}
	var fault error
	if u.err, fault = runIn(w.c, u.fn); fault != nil {
		return fault
	}
	if u.err != nil {
		if _, err := w.c.exec("ROLLBACK TO one"); err != nil {
			return failure("undo a savepoint", err)
		}
	}
	if _, err := w.c.exec("RELEASE one"); err != nil {
		return failure("end a savepoint", err)
	}
	return nil
}
