package sqlite

import (
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// unavailable wraps err in store.ErrUnavailable, with the cause if it is known, if err
// says that the engine has failed. It returns the error of a wrong statement unchanged
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

// failure returns the error of a failed transaction for the updates in it.
func failure(step string, err error) error {
	why := faultOf(err)
	if why == nil {
		why = store.ErrUnavailable
	}
	return fmt.Errorf("%w: %s: %w", why, step, err)
}

// faultOf returns why the engine has failed, or nil if it has not.
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

// afterDamage says what an operator can do about a damaged database.
const afterDamage = `stop the gateway, and put a backup back with "gatehouse restore DIR -replace"; ` +
	`without a backup, see "A damaged database" on the manual's page Operation`

// noteDamage logs, once, that the database is damaged, if err says so. From then on the
// store is not ready: every change might make the damage worse.
func (s *Store) noteDamage(err error) {
	if err == nil || !errors.Is(err, store.Damaged) {
		return
	}
	if s.damage.CompareAndSwap(nil, &failed{time.Now(), err}) {
		s.log.Error("the database is damaged: a part of it cannot be read", "file", s.path,
			"needed", afterDamage, "error", err)
	}
}

// code returns the primary result code in an error of the engine, or SQLITE_OK for any
// other error.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return lib.SQLITE_OK
	}
	return e.Code() & 0xff
}

// keepsConnection reports whether the connection is still usable after err. A full disk
// and a lock of another program leave the connection usable. After other failures, the
// connection may stay read-only or refer to a removed file forever.
func keepsConnection(err error) bool {
	switch code(err) {
	case lib.SQLITE_FULL, lib.SQLITE_BUSY:
		return true
	}
	return faultOf(err) == nil
}
