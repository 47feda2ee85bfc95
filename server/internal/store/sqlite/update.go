package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"
)

// update is one call of Update on its way through the committer.
type update struct {
	fn    func(*Tx) error
	state atomic.Int32
	err   error         // written before done is closed
	done  chan struct{} // closed when err is the answer
}

// The states of an update; whoever takes it out of waiting decides.
const (
	waiting int32 = iota
	started
	abandoned
)

// Update runs fn in a transaction and returns nil once what it did is on disk.
// Updates run one after another, and those that wait are committed together; an
// error of fn, or a panic in it, undoes fn alone and is returned. If the commit
// fails, so do all Updates in it, with an error that wraps store.ErrUnavailable;
// should the process end before another commit succeeds, the database may hold
// them all the same.
//
// fn must be quick, must not wait for anything and must not call Update, which
// would wait for fn. If ctx ends before fn has begun, fn is never run and the
// context's cause is returned; after that the outcome is waited for.
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

// maxBatch is how many Updates one transaction takes. It bounds how long the
// first of them waits for the last, and how many a failed commit takes along.
const maxBatch = 512

// committer is the goroutine that writes, and what it alone uses.
type committer struct {
	s *Store
	c *conn // nil after one was dropped

	hurried  bool      // another program held the lock for long, and may still
	nextFold time.Time // after one that was in vain
}

// The pragmas for how long a statement waits for another program's lock.
const (
	noWait    = "PRAGMA busy_timeout = 0"
	shortWait = "PRAGMA busy_timeout = 100"
)

// loop commits what is queued until the queue is closed. There is no delay in
// it: while one transaction is on its way to the disk the next one gathers.
func (w *committer) loop() {
	defer close(w.s.committed)
	batch := make([]*update, 0, maxBatch)
	for first := range w.s.queue {
		// Who is about to queue comes along: with one processor the first would
		// otherwise be committed alone, again and again.
		runtime.Gosched()
		batch = append(batch[:0], first)
		for len(batch) < maxBatch && len(w.s.queue) > 0 {
			batch = append(batch, <-w.s.queue) // this is the only receiver
		}
		w.commit(batch)
		clear(batch)
		w.fold()
	}
	w.mark()
	if w.c != nil {
		if err := w.c.close(); err != nil {
			w.s.log.Warn("store: close the writing connection", "error", err)
		}
	}
}

// mark marks the database as the last thing that is stored.
func (w *committer) mark() {
	if w.s.commits.Load() == w.s.marked.Load() {
		return
	}
	u := &update{fn: func(tx *Tx) error { return renewMark(tx, w.s.path) }, done: make(chan struct{})}
	w.commit([]*update{u})
	if u.err != nil {
		w.s.log.Warn("store: mark the database", "error", u.err)
	}
}

// commit answers every update of the batch.
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
			// Also where fn refused: it may have done so because of what another
			// in this transaction wrote, and that is gone.
			u.err = err
		}
		close(u.done)
	}
}

// transact runs the batch in one transaction. Its error is the transaction's,
// and then nothing was kept.
func (w *committer) transact(batch []*update) error {
	begun := time.Now()
	if err := w.begin(); err != nil {
		return failure("begin a transaction", err)
	}
	keep, err := w.run(batch)
	if err == nil && keep {
		if _, err = w.c.exec("COMMIT"); err == nil {
			w.s.commits.Add(1)
			w.s.tell(time.Since(begun))
			return nil
		}
		err = failure("commit", err)
	}
	// Where the engine has given the transaction up by itself this fails, and
	// begin finds out should it fail for another reason.
	_, _ = w.c.exec("ROLLBACK")
	if err != nil && !passes(err) {
		w.drop()
	}
	return err
}

// drop has the connection replaced by the next transaction.
func (w *committer) drop() {
	w.c.drop()
	w.c, w.hurried = nil, false
}

// wait has the connection's statements wait as the pragma says.
func (w *committer) wait(pragma string) error {
	var was int64
	err := (&Tx{c: w.c}).QueryRow(pragma).Scan(&was)
	if err != nil {
		w.drop()
		return err
	}
	w.hurried = pragma == shortWait
	return nil
}

// begin opens a transaction that holds the write lock from the start. A
// connection that cannot is replaced at the next try, unless it only waits for
// another program: who has waited for that in vain has waited for all who follow.
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
		return w.wait(w.s.fullWait)
	case code(err) == lib.SQLITE_BUSY && !w.hurried:
		return errors.Join(err, w.wait(shortWait))
	case err != nil && code(err) != lib.SQLITE_BUSY:
		w.drop()
	}
	return err
}

// run calls the functions of the batch and says whether there is anything to
// commit. An error means that the transaction is lost.
func (w *committer) run(batch []*update) (keep bool, err error) {
	if len(batch) == 1 {
		u := batch[0]
		u.err, err = runIn(w.c, u.fn)
		return u.err == nil, err
	}
	for _, u := range batch {
		if err := w.runApart(u); err != nil {
			return false, err
		}
		keep = keep || u.err == nil
	}
	return keep, nil
}

// runApart calls one function so that it can be undone alone.
func (w *committer) runApart(u *update) error {
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
