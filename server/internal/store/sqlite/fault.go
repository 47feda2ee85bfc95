package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// unavailable wraps err in store.ErrUnavailable if it is a failure of the engine
// and not of the statement, with the cause where that can be told
// (https://www.sqlite.org/rescode.html).
func unavailable(err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	if why := faultOf(err); why != nil {
		return fmt.Errorf("%w: %w", why, err)
	}
	return err
}

// failure is how a transaction's failure reaches those who were in it.
func failure(step string, err error) error {
	why := faultOf(err)
	if why == nil {
		why = store.ErrUnavailable
	}
	return fmt.Errorf("%w: %s: %w", why, step, err)
}

// faultOf is the failure of the engine that err is, or nil.
func faultOf(err error) error {
	switch code(err) {
	case lib.SQLITE_FULL:
		return store.Full
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return store.ReadOnly
	case lib.SQLITE_BUSY, lib.SQLITE_PROTOCOL:
		return store.Locked
	case lib.SQLITE_IOERR:
		return store.Failing
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return store.Damaged
	case lib.SQLITE_LOCKED, lib.SQLITE_NOMEM, lib.SQLITE_CANTOPEN, lib.SQLITE_NOLFS:
		return store.ErrUnavailable
	}
	return nil
}

// code is the engine's primary result code, or SQLITE_OK for another's error.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return lib.SQLITE_OK
	}
	return e.Code() & 0xff
}

// passes reports whether a connection that gave err is as good as before: a
// disk that is full and a lock of another program leave it whole. After other
// failures it may stay read-only, or on a file that is gone, for ever.
func passes(err error) bool {
	switch code(err) {
	case lib.SQLITE_FULL, lib.SQLITE_BUSY:
		return true
	}
	return faultOf(err) == nil
}
