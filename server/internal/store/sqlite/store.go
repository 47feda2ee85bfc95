package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// Options configure a Store. The zero value is right for a gateway.
type Options struct {
	// Logger gets failures that no caller can get, such as a checkpoint that fails. Nil
	// discards them.
	Logger *slog.Logger
	// Readers is how many Views may run at the same time; 0 means 4.
	Readers int
	// BusyTimeout is how long a statement waits while another program has locked the
	// database; 0 means 2 s. While the database stays locked, later statements wait 100
	// ms.
	BusyTimeout time.Duration
	// AcceptEmpty opens a data directory whose database is empty or missing although
	// other files show that there was one.
	AcceptEmpty bool
	// Committed is called with the duration of each transaction after its commit. It must
	// be quick. It may be nil.
	Committed func(time.Duration)
}

// errClosed is the error of a closed Store.
var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

// Store is an open data directory. Its methods are safe for concurrent use.
type Store struct {
	log      *slog.Logger
	lock     *flock.Flock
	path     string // of the database file
	instance string // the id of the data directory

	db      *sql.DB      // has one connection, the committer's
	readDB  *sql.DB      // has the connections of readers
	readers chan *reader // the free readers

	// keep is a connection that runs nothing after Open. SQLite's index of the log exists
	// as long as a connection is open. If SQLite had to rebuild the index from the log,
	// it would take the pages of a failed commit for committed.
	keep *conn

	queue     chan *update  // the waiting updates
	committed chan struct{} // is closed when the committer has ended

	onCommit func(time.Duration)       // Options.Committed
	walLimit int64                     // the size of the log that causes a checkpoint
	fullWait string                    // the pragma for Options.BusyTimeout
	commits  atomic.Uint64             // the number of commits
	marked   atomic.Uint64             // the number of commits before the last mark
	settle   atomic.Bool               // whether the committer must call settleMark
	damage   atomic.Pointer[failed]    // the first sign that the database is damaged
	pinged   atomic.Pointer[time.Time] // the last successful ping
	failed   atomic.Pointer[failed]    // the last failed transaction
	users    sync.WaitGroup            // the running Updates and Views
	close    func() error

	// mu guards the following field.
	mu     sync.RWMutex
	closed bool
}

// Open opens the data directory dir, and migrates the database to the current version. It
// creates the directory (mode 0700) and the database (mode 0600) if they do not exist. It
// refuses a directory that another process has open, a database of a newer version, and
// what inspect refuses.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	d, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	if err = inspect(ctx, d, o); err == nil {
		err = within(d.dir, createDatabase)
	}
	var s *Store
	if err == nil {
		s, err = open(ctx, d, o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", d.dir, unavailable(err)),
			d.lock.Unlock())
	}
	return s, nil
}

// open opens the store in a locked directory.
func open(ctx context.Context, p dataDir, o Options) (_ *Store, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.Committed == nil {
		o.Committed = func(time.Duration) {}
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 2 * time.Second
	}
	s := &Store{
		log: o.Logger, lock: p.lock, path: p.file,
		readers:   make(chan *reader, o.Readers),
		queue:     make(chan *update, maxBatch),
		committed: make(chan struct{}),
		onCommit:  o.Committed,
		walLimit:  walLimit,
		fullWait:  fmt.Sprintf("PRAGMA busy_timeout = %d", o.BusyTimeout.Milliseconds()),
	}
	s.close = sync.OnceValue(s.shut)
	s.db, err = openDB(p.file, o.BusyTimeout, 1, "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	if s.readDB, err = openDB(p.file, o.BusyTimeout, o.Readers+1, "query_only(1)"); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	w, err := s.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, s.readDB.Close(), s.db.Close())
	}
	if s.keep, err = keepOpen(ctx, s.readDB); err != nil {
		return nil, errors.Join(err, w.close(), s.readDB.Close(), s.db.Close())
	}
	for range o.Readers {
		s.readers <- &reader{db: s.readDB}
	}
	go (&committer{s: s, c: w}).loop()
	return s, nil
}

// prepare migrates the database, reads the instance id, and returns the connection of the
// committer.
func (s *Store) prepare(ctx context.Context) (*conn, error) {
	if err := migrate(ctx, s.db, func() error { return forgetStored(s.path) }); err != nil {
		return nil, err
	}
	w, err := grab(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if s.instance, err = instanceID(w); err != nil {
		return nil, errors.Join(err, w.close())
	}
	tx := &Tx{c: w}
	restored, err := renewEpochs(tx, s.path)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	if err := renewMark(tx, s.path); err != nil {
		s.log.Warn("store: mark the database", "error", err)
		s.commits.Add(1) // the next Mark tries again
	} else if err := settleMark(tx, s.path, emptyLog); err != nil {
		s.log.Warn("store: note the database's mark", "error", err)
	}
	if restored {
		s.log.Warn("the database was restored from a backup: clients will reload their "+
			"conversations", "file", s.path)
	}
	return w, nil
}

// keepOpen returns a connection for Store.keep.
func keepOpen(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := grab(ctx, db)
	if err != nil {
		return nil, err
	}
	var tables int64 // the first read creates the index
	if err := (&Tx{c: c}).QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// InstanceID returns the id of the data directory: 16 random hexadecimal digits. Data
// that may outlive the directory elsewhere, such as cookies or a browser's outbox, is
// stored under this id.
func (s *Store) InstanceID() string { return s.instance }

// Close refuses new Updates and Views, waits for the running ones, marks the database,
// checkpoints the log and unlocks the directory. Every call returns the result of
// the first one.
func (s *Store) Close() error { return s.close() }

// shut closes the store.
func (s *Store) shut() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.users.Wait()
	close(s.queue)
	<-s.committed
	// SQLite checkpoints the log when the last connection is closed. A pool does not
	// close connections that are in use.
	errs := []error{s.keep.close()}
	for range cap(s.readers) {
		if r := <-s.readers; r.c != nil {
			errs = append(errs, r.c.close())
		}
	}
	err := errors.Join(errors.Join(errs...), s.readDB.Close(), s.db.Close())
	if err != nil {
		err = fmt.Errorf("close the store %s: %w", s.path, unavailable(err))
	}
	return errors.Join(err, s.lock.Unlock())
}

// enter counts the caller as a user of the store. The caller must call users.Done.
func (s *Store) enter() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	s.users.Add(1)
	return nil
}
