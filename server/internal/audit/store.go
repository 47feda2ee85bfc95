package audit

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store stores the entries, durably. Entries do not change, except that Fail marks an
// entry as failed.
type Store interface {
	// Append adds an entry with the next id, and returns the id. It ignores e.ID.
	Append(ctx context.Context, e protocol.AuditEntry) (id int64, err error)
	// Fail adds to an entry that its act failed, and why. If there is no such entry, the
	// error is store.ErrNotFound. Only the first failure of an entry is stored; another
	// one is no error.
	Fail(ctx context.Context, id int64, why string) error
	// List returns the entries that match the filter, newest first. The Detail of a
	// failed entry ends with the reason.
	List(ctx context.Context, f Filter) ([]protocol.AuditEntry, error)
	// Oldest returns the time of the oldest entry, or 0 if there is none.
	Oldest(ctx context.Context) (protocol.Time, error)
	// Prune removes up to limit entries from before a time, those with the lowest ids
	// first. It stops at the first entry that is not from before, so that the remaining
	// ids have no gaps. Ids are not used again.
	Prune(ctx context.Context, before protocol.Time, limit int) (removed int, err error)
}

// Filter selects entries. An empty field, except Limit, selects all.
type Filter struct {
	Reader                 string // the user who asks; the searches of one user take turns
	UserID, Action, Target string // match as a whole
	// Query is contained in user, action, target, address or detail. It ignores ASCII
	// case.
	Query  string
	Since  protocol.Time // selects entries from this time on
	Until  protocol.Time // selects entries before this time
	Before int64         // selects entries with lower ids
	Limit  int           // the maximum number of entries, at least 1
}

// Searches reports whether each entry has to be looked at.
func (f Filter) Searches() bool {
	return f != Filter{Reader: f.Reader, Before: f.Before, Limit: f.Limit}
}
