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

// openDB opens a pool of at most size connections, none of which exists yet.
// Each sets the pragmas, in their order.
func openDB(file string, busy time.Duration, size int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()))
	for _, pragma := range pragmas {
		q.Add("_pragma", pragma)
	}
	// As a URI, so that no character of the path is taken for something else
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

// conn is a connection with its prepared statements. One goroutine uses it at a
// time.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt // those not in use
}

func grab(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: make(map[string]*sql.Stmt)}, nil
}

// close gives the connection back to its pool.
func (c *conn) close() error { return errors.Join(c.finalize(), c.c.Close()) }

// drop closes the connection for good, because it may be in any state.
func (c *conn) drop() {
	_ = c.finalize() // its statements first: they do not outlive it
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn })
}

func (c *conn) finalize() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// take gives the statement of query for the caller alone, until put. A query
// that runs inside the rows of itself gets a second one.
func (c *conn) take(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		delete(c.stmts, query)
		return s, nil
	}
	return c.c.PrepareContext(context.Background(), query)
}

func (c *conn) put(query string, s *sql.Stmt) {
	if _, ok := c.stmts[query]; ok {
		_ = s.Close() // finalizing reports only what the statement's last step did
		return
	}
	c.stmts[query] = s
}

// exec runs a statement that gives no rows. It takes no context: a statement
// once begun is finished, and the driver needs no goroutine to watch it.
func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.take(query)
	if err != nil {
		return nil, err
	}
	defer c.put(query, s)
	return s.ExecContext(context.Background(), args...)
}
