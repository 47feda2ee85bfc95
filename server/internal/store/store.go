// Package store has what all stores share, whatever the database engine: the guarantees
// of transactions and the errors. Each domain package declares the operations of its own
// transactions. Package sqlite implements them; package storetest tests an
// implementation.
package store

import (
	"context"
	"errors"
)

// Transactions calls functions in transactions. A Tx is valid until its function returns,
// and only on the function's goroutine.
//
// Update and View may call fn more than once, each time with a new Tx, because a store
// retries after a conflict with another transaction. The changes of earlier calls to the
// data are undone, but not those to variables. So fn must set its results instead of
// appending to them, and must have no effect outside of the store that must not happen
// twice.
//
// If fn returns an error, the transaction is undone, and the error is returned unchanged.
type Transactions[Tx any] interface {
	// Update calls fn in a transaction that reads and writes. Updates are serialisable:
	// the result is as if they had run one after another. When Update returns nil, the
	// change is durable. If the engine fails, the error wraps ErrUnavailable. If ctx is
	// done before fn is called, fn is never called, and the error is the context's cause;
	// so it is for View.
	Update(ctx context.Context, fn func(Tx) error) error
	// View calls fn in a transaction that only reads. It sees every Update that has
	// returned. Writing fails.
	View(ctx context.Context, fn func(Tx) error) error
}

// ErrNotFound is the error of every look-up of one thing that does not exist, and of a
// change of one thing that must exist. Lists are empty instead, sums and counts are 0.
var ErrNotFound = errors.New("not found in the store")

// ErrUnavailable is wrapped by every failure of the engine: a full or failing disk, a
// locked, read-only or damaged database, a closed store. The caller must assume that
// nothing was stored. A later try may succeed.
var ErrUnavailable = errors.New("the store is unavailable")

// Cause is why the engine failed, in words without file names, so that users may see
// them. Every Cause wraps ErrUnavailable, and most failures wrap a Cause.
type Cause string

// The known causes.
const (
	Full     Cause = "the disk is full"
	ReadOnly Cause = "the database cannot be written to"
	Locked   Cause = "another program holds the database locked"
	Failing  Cause = "the disk fails"
	Damaged  Cause = "the database is damaged"
	Slow     Cause = "the disk does not answer in time"
)

func (c Cause) Error() string { return ErrUnavailable.Error() + ": " + string(c) }

// Unwrap returns ErrUnavailable.
func (c Cause) Unwrap() error { return ErrUnavailable }
