// Package store names the failures that every store reports in the same way,
// whichever engine keeps the data. What a store can do is declared by its
// consumers; sqlite implements it.
package store

import "errors"

// ErrUnavailable is wrapped by every failure of the engine itself: a full or
// failing disk, a locked, read-only or damaged database, a store that is closed.
// Nothing was kept as far as the caller is concerned, and a later try may succeed.
var ErrUnavailable = errors.New("the store is unavailable")

// Cause is why the engine failed, in words that anybody may see: they name no
// file. It is an ErrUnavailable, and wrapped by most of them.
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

// ErrNotFound says that no row answers a query that was made for one.
var ErrNotFound = errors.New("not found in the store")
