package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// errTxOver is what a Tx says that was kept beyond its function.
var errTxOver = errors.New("sqlite: transaction used after its function returned")

// Tx is a transaction, good until the function it was given to returns, and for
// that function's goroutine only.
//
// Query texts must be constants: each is prepared once a connection and kept.
// Values go into the arguments: int64, float64, string, []byte, bool or nil.
type Tx struct {
	c *conn
	// fault is the first failure of the engine. SQLite may have given up the
	// transaction by itself, so nothing may run after it.
	fault error
}

// Exec runs a statement that gives no rows and returns how many rows it changed.
func (tx *Tx) Exec(query string, args ...any) (affected int64, err error) {
	if tx.fault != nil {
		return 0, tx.fault
	}
	res, err := tx.c.exec(query, args...)
	if err != nil {
		return 0, tx.failed(err)
	}
	return res.RowsAffected()
}

// QueryRow is a query of which the first row is wanted; its Scan runs it.
func (tx *Tx) QueryRow(query string, args ...any) First {
	return First{tx: tx, query: query, args: args}
}

// First is the first row of a query.
type First struct {
	tx    *Tx
	query string
	args  []any
}

// Scan runs the query and copies its first row into dest. With no row it
// returns store.ErrNotFound.
func (f First) Scan(dest ...any) error {
	for row, err := range f.tx.Query(f.query, f.args...) {
		if err != nil {
			return err
		}
		return row.Scan(dest...)
	}
	return store.ErrNotFound
}

// Row is the row that Query is at.
type Row interface {
	Scan(dest ...any) error
}

// Query gives the rows of a query one by one; an error comes as the last pair,
// with no row. The rows are closed when the loop ends, however it ends. A row is
// good only within its turn of the loop; scan into []byte or string, which copy.
func (tx *Tx) Query(query string, args ...any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if tx.fault != nil {
			yield(nil, tx.fault)
			return
		}
		s, err := tx.c.take(query)
		if err != nil {
			yield(nil, tx.failed(err))
			return
		}
		defer tx.c.put(query, s)
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			yield(nil, tx.failed(err))
			return
		}
		if err := eachRow(rows, yield); err != nil {
			yield(nil, tx.failed(err))
		}
	}
}

func eachRow(rows *sql.Rows, yield func(Row, error) bool) error {
	defer rows.Close() // also when the loop's body panics
	for rows.Next() {
		if !yield(rows, nil) {
			return nil
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// failed classifies an error and remembers it if the engine failed.
func (tx *Tx) failed(err error) error {
	err = unavailable(err)
	if errors.Is(err, store.ErrUnavailable) {
		tx.fault = err
	}
	return err
}

// runIn calls fn with a transaction on c. A panic becomes an error, so that it
// ends fn and nothing else. A fault means that the engine failed and the
// transaction is lost, whatever fn made of it; err then tells of it too.
func runIn(c *conn, fn func(*Tx) error) (err, fault error) {
	tx := &Tx{c: c}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("sqlite: panic in a transaction: %v\n%s", v, debug.Stack())
		}
		if fault = tx.fault; fault != nil && !errors.Is(err, store.ErrUnavailable) {
			err = errors.Join(fault, err)
		}
		tx.fault = errTxOver
	}()
	return fn(tx), nil
}
