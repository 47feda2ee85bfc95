// Package store says what every store has in common, whichever engine keeps the
// data: what a transaction promises, and the errors that callers tell apart. What
// can be done within a transaction is declared by each domain package; sqlite
// implements it, and storetest holds an implementation to it.
package store

import (
	"context"
	"errors"
)

// Transactions runs functions on the data, each in a transaction of its own that
// is a Tx. A Tx is good until its function returns, and only on the goroutine
// that the function runs on.
//
// Update and View may run fn more than once, each time on a new Tx and from the
// start: after a conflict with another transaction, a store tries again. What the
// earlier runs did to the data is undone, what they did to variables is not. So
// fn must set whatever it gives to its caller instead of adding to it, and must
// not do anything outside of the store that a second run would do twice.
//
// An error of fn ends the transaction, undoes it, and is returned as it is.
type Transactions[Tx any] interface {
	// Update runs fn as one change. Updates are serialisable: their outcome is as
	// if they had run one after another. The change is durable when Update returns
	// nil, and leaves nothing behind when fn gives an error. If the engine fails,
	// Update gives an ErrUnavailable. If ctx ends before fn has begun, fn is never
	// run, and the context's cause is returned; the same holds for View.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on a snapshot, which shows every Update that has returned.
	// Writing in it fails.
	View(ctx context.Context, fn func(Tx) error) error
}

// ErrNotFound is what every look-up of one thing gives when there is no such
// thing, and a change of one thing that must be there. Lists are empty instead,
// and sums and counts are 0.
var ErrNotFound = errors.New("not found in the store")

// ErrUnavailable is wrapped by every failure of the engine itself: a full or
// failing disk, a locked, read-only or damaged database, a store that is closed.
// Nothing was kept as far as the caller is concerned, and a later try may succeed.
var ErrUnavailable = errors.New("the store is unavailable")

// Cause is why the engine failed, in words that anybody may see: they name no
// file. Every Cause is an ErrUnavailable, and most failures wrap one.
type Cause string

// The causes that can be told apart.
const (
	Full     Cause = "the disk is full"
	ReadOnly Cause = "the database cannot be written to"
	Locked   Cause = "another program holds the database locked"
	Failing  Cause = "the disk fails"
	Damaged  Cause = "the database is damaged"
	Slow     Cause = "the disk does not answer in time"
)

func (c Cause) Error() string { return ErrUnavailable.Error() + ": " + string(c) }

// Unwrap makes every cause an ErrUnavailable.
func (c Cause) Unwrap() error { return ErrUnavailable }
