// Package store names the failures that every store reports in the same way,
// whichever engine keeps the data. What a store can do is declared by its
// consumers; sqlite implements it.
package store

import "errors"

// ErrUnavailable is wrapped by every failure of the engine itself: a full or
// failing disk, a locked, read-only or damaged database, a store that is closed.
// Nothing was kept as far as the caller is concerned, and a later try may succeed.
var ErrUnavailable = errors.New("the store is unavailable")

// ErrNotFound says that no row answers a query that was made for one.
var ErrNotFound = errors.New("not found in the store")
