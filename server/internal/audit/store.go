package audit

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store keeps the lines. What it has taken is durable, and nothing changes it:
// what Fail adds is shown with its line, and Prune removes whole lines.
type Store interface {
	// Append adds a line under the next id, whatever e's is, and gives the id.
	Append(ctx context.Context, e protocol.AuditEntry) (id int64, err error)
	// Fail adds that the act of a line failed, and why, or gives store.ErrNotFound.
	// A line can fail once; the next time is no error and changes nothing.
	Fail(ctx context.Context, id int64, why string) error
	// List gives the lines that the filter takes, newest first. Those that failed
	// say why at the end of their Detail.
	List(ctx context.Context, f Filter) ([]protocol.AuditEntry, error)
	// Oldest is when the oldest line was written, 0 if there is none.
	Oldest(ctx context.Context) (protocol.Time, error)
	// Prune removes up to limit lines from before a time, those with the lowest ids
	// first. It stops at the first line that stays, so that the ids that are left are
	// gapless; ids are never given again.
	Prune(ctx context.Context, before protocol.Time, limit int) (removed int, err error)
}

// Filter says which lines are wanted; an empty field takes all. Query is any
// part, in any case of ASCII letters, of user, action, target, address or
// detail; the other texts match whole. Since is part of the span, Until not.
type Filter struct {
	UserID, Action, Target, Query string
	Since, Until                  protocol.Time
	Before                        int64 // an id
	Limit                         int   // at least 1
}
