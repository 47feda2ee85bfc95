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

// errTxOver is the error of a Tx that is used after its function has returned.
var errTxOver = errors.New("sqlite: transaction used after its function returned")

// Tx is a transaction. It is valid until the function that got it returns, and only on
// that function's goroutine.
//
// Query texts must be constants, because each is prepared once for each connection and
// kept. Values are passed as arguments: int64, float64, string, []byte, bool or nil.
type Tx struct {
	c *conn
	// fault is the first failure of the engine. SQLite may have ended the transaction
	// then, so no statement may run after it.
	fault error
}

// Exec runs a statement that returns no rows, and returns the number of changed rows.
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

// QueryRow returns the first row of a query. The query runs when the row is scanned.
func (tx *Tx) QueryRow(query string, args ...any) First {
	return First{tx: tx, query: query, args: args}
}

// First is the first row of a query.
type First struct {
	tx    *Tx
	query string
	args  []any
}

// Scan runs the query and copies its first row into dest. If there is no row, the error
// is store.ErrNotFound.
func (f First) Scan(dest ...any) error {
	for row, err := range f.tx.Query(f.query, f.args...) {
		if err != nil {
			return err
		}
		return row.Scan(dest...)
	}
	return store.ErrNotFound
}

// Row is the current row of a Query.
type Row interface {
	Scan(dest ...any) error
}

// Query returns an iterator over the rows of a query. If the query fails, the last pair
// has the error and no row. The rows are closed when the loop ends, however it ends. A
// row is valid only in its iteration of the loop; scan into []byte or string, which copy.
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

// failed wraps an error with unavailable, and sets the fault if the engine has failed.
func (tx *Tx) failed(err error) error {
	err = unavailable(err)
	if errors.Is(err, store.ErrUnavailable) {
		tx.fault = err
	}
	return err
}

// runIn calls fn with a Tx on c. A panic of fn becomes an error. If the engine has
// failed, fault is the failure, err wraps it, and the transaction cannot be committed,
// whatever fn has returned.
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
