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

// Options adjust a Store; the zero value is what a gateway wants.
type Options struct {
	// Logger takes what no caller can be told, such as a log file that cannot
	// be folded back. Nil discards it.
	Logger *slog.Logger
	// Readers is how many Views may run at once; 0 means 4.
	Readers int
	// BusyTimeout is how long a statement waits while another program holds the
	// database locked; 0 means 2 s. While it stays locked the next ones wait for
	// 100 ms.
	BusyTimeout time.Duration
	// Committed is told how long each transaction took that is now on disk. It
	// must be quick; nil: nobody is told.
	Committed func(time.Duration)
}

// errClosed is what a closed Store answers.
var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

// Store is an open data directory. Its methods are safe for concurrent use.
type Store struct {
	log      *slog.Logger
	lock     *flock.Flock
	path     string // of the database file
	instance string

	db      *sql.DB      // one connection: the committer's
	readDB  *sql.DB      // the connections of readers
	readers chan *reader // those that are free

	// keep is a connection that nobody uses. While one is open SQLite's index of
	// the log lives; made anew from the log, it would take for committed what a
	// commit that failed had written there.
	keep *conn

	queue     chan *update
	committed chan struct{} // closed when the committer has ended

	tell     func(time.Duration) // Options.Committed
	walLimit int64
	fullWait string // the pragma for Options.BusyTimeout
	commits  atomic.Uint64
	marked   atomic.Uint64             // of commits, those before the last mark
	pinged   atomic.Pointer[time.Time] // the last time that went well
	failed   atomic.Pointer[failed]    // the last transaction that failed

	mu     sync.RWMutex
	closed bool
	users  sync.WaitGroup // Updates and Views under way
	close  func() error
}

// Open opens the data directory dir, making it (0700) and the database in it
// (0600) if need be, and brings the tables up to date. It refuses a directory
// that another process has open and a database that a newer version has
// written, with a sentence that says so.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	place, err := claim(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, place, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", place.dir, unavailable(err)), place.lock.Unlock())
	}
	return s, nil
}

func open(ctx context.Context, p place, o Options) (_ *Store, err error) {
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
		tell:      o.Committed,
		walLimit:  walLimit,
		fullWait:  fmt.Sprintf("PRAGMA busy_timeout = %d", o.BusyTimeout.Milliseconds()),
	}
	s.close = sync.OnceValue(s.shut)
	s.db, err = openDB(p.file, o.BusyTimeout, 1, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")
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

// prepare brings the tables up to date, reads who this instance is and gives
// the connection that writes from now on.
func (s *Store) prepare(ctx context.Context) (*conn, error) {
	if err := migrate(ctx, s.db); err != nil {
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
	}
	if restored {
		s.log.Warn("the database was put back from a copy: clients load their conversations anew", "file", s.path)
	}
	return w, nil
}

// keepOpen gives a connection that has the index of the log.
func keepOpen(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := grab(ctx, db)
	if err != nil {
		return nil, err
	}
	var tables int64 // it has it from its first read on
	if err := (&Tx{c: c}).QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// InstanceID is 16 random hexadecimal digits that this data directory got when
// it was made. Whatever outlives the directory elsewhere (cookies, a browser's
// outbox) is keyed by it.
func (s *Store) InstanceID() string { return s.instance }

// Close waits for the Updates and Views under way, refuses new ones, folds the
// write-ahead log into the database, marks it and lets the directory go. Every
// call returns what the first one did.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.users.Wait()
	close(s.queue)
	<-s.committed
	// Closing the last connection of a database folds its log, and a pool does
	// not close those that are taken from it.
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

// enter counts the caller as a user of the store until it calls users.Done.
func (s *Store) enter() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	s.users.Add(1)
	return nil
}
