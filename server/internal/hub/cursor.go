package hub

import "github.com/gatehouse-chat/gatehouse/server/internal/session"

// cursor is the last event of a session that a member has, while the session is
// not live for the member: it is being replayed, or has caught up (see the package
// comment). The member's mutex guards it.
type cursor struct {
	position
	deleted bool // the member knows that there is no such session

	replaying    bool     // a replay sends the events; false: caught up
	deferred     bool     // there may be events that only the log will give
	lastDeferred position // the last event that was deferred

	ticks int // since it has caught up
}

// position is a place in one of the logs that a session has had.
type position struct {
	epoch string
	seq   int64
}

// includes reports whether the member knows what the event says. A replay may have
// read the event from the log before it was published.
func (c *cursor) includes(e *session.Event) bool {
	if e.Seq == 0 {
		return c.deleted
	}
	return e.Epoch == c.epoch && e.Seq <= c.seq
}

// deferredAfter reports whether an event after a position in the same log was
// deferred.
func (c *cursor) deferredAfter(at position) bool {
	return c.deferred && c.lastDeferred.epoch == at.epoch && c.lastDeferred.seq > at.seq
}

// setCaughtUp lets the events after the cursor be sent when they are published.
func (c *cursor) setCaughtUp() {
	c.replaying, c.deferred, c.lastDeferred = false, false, position{}
}

// setDeleted notes that the member knows that there is no such session.
func (c *cursor) setDeleted() { c.deleted, c.position = true, position{} }
