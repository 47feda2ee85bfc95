package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openDB returns a pool of at most size connections, which are opened when they are
// needed. Each connection sets the pragmas, in their order.
func openDB(file string, busy time.Duration, size int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()))
	for _, pragma := range pragmas {
		q.Add("_pragma", pragma)
	}
	// A URI, so that no character of the path has a special meaning
	// (https://www.sqlite.org/uri.html).
	name := url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// openReadOnly returns a pool of one connection that cannot change the database. If alone
// is true, SQLite ignores the write-ahead log, takes no locks and creates no files; no other
// process may write to the database meanwhile. Otherwise SQLite reads the log, too.
func openReadOnly(file string, alone bool) (*sql.DB, error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	if alone {
		q.Set("immutable", "1")
	}
	name := url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// fileURI returns the URI of a database file.
func fileURI(file string) string {
	name := url.URL{Scheme: "file", Path: file}
	return name.String()
}

// conn is a connection with its prepared statements. Only one goroutine may use it at a
// time.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt // prepared statements that are not in use, by query
}

// grab takes a connection from the pool.
func grab(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: make(map[string]*sql.Stmt)}, nil
}

// close returns the connection to its pool.
func (c *conn) close() error { return errors.Join(c.finalize(), c.c.Close()) }

// drop closes the connection for good, because its state is unknown.
func (c *conn) drop() {
	_ = c.finalize() // the statements must be closed before the connection
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn })
}

// finalize closes the prepared statements.
func (c *conn) finalize() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// take returns a prepared statement of query, which only the caller uses until put. If
// the same query runs while its rows are being read, it gets a second statement.
func (c *conn) take(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		delete(c.stmts, query)
		return s, nil
	}
	return c.c.PrepareContext(context.Background(), query)
}

// put returns a statement after use.
func (c *conn) put(query string, s *sql.Stmt) {
	if _, ok := c.stmts[query]; ok {
		_ = s.Close() // the error, if any, was returned by the last step already
		return
	}
	c.stmts[query] = s
}

// exec runs a statement that returns no rows. It has no context: a statement that has
// begun is completed, and the driver needs no goroutine to watch a context.
func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.take(query)
	if err != nil {
		return nil, err
	}
	defer c.put(query, s)
	return s.ExecContext(context.Background(), args...)
}
