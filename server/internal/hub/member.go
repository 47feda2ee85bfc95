package hub

import (
	"context"
	"slices"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sender is a connection, as a Hub uses it.
type Sender interface {
	// Send queues a frame without waiting. It reports false if the connection takes
	// no more frames.
	Send(p conn.Prepared) bool
	// Flushed waits until all frames queued so far have been written. Its error says
	// that they never will be, or is the context's.
	Flushed(ctx context.Context) error
	// GiveUp closes the connection because the log cannot be read, so that the
	// client connects again.
	GiveUp(err error)
}

// Member is an authenticated connection. The exported fields must not change once
// it has joined.
type Member struct {
	Sender
	UserID string
	Role   protocol.Role
	HTML   bool // the client takes formatted text

	// watches has the sessions that the member watches, with their owners' user ids.
	// The Hub's mutex guards it and replayer.
	watches  map[string]string
	replayer *replayer // nil: there is none

	// mu guards the following fields.
	mu             sync.Mutex
	resuming       bool               // Resume's start was not called yet: nothing is sent
	cursors        map[string]*cursor // by session; a session without one is live
	pending        []string           // sessions to be replayed, the next one first
	replayerActive bool               // a replayer works through pending
}

func (m *Member) isAdmin() bool { return m.Role.Allows(protocol.Admin) }

// caller is the member as sessions see it.
func (m *Member) caller() session.Caller { return session.Caller{UserID: m.UserID, Role: m.Role} }

// deliver sends an event of a session that the member follows, unless the member
// has it or a replay will send it.
func (m *Member) deliver(e *session.Event, plain, formatted func() conn.Prepared) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.admitLocked(e) {
		return
	}
	frame := plain
	if m.HTML {
		frame = formatted
	}
	m.Send(frame())
}

// admitLocked reports whether a published event is to be sent now. If not, either
// the member has the event, or the event is deferred to a replay.
func (m *Member) admitLocked(e *session.Event) bool {
	c := m.cursors[e.SessionKey]
	switch {
	case c == nil:
		return !m.resuming
	case c.includes(e):
		return false
	case m.resuming || c.replaying && e.Seq > 1:
		c.deferred, c.lastDeferred = true, position{e.Epoch, e.Seq}
		return false
	}
	// Either the member has caught up and this is the next event, or the event ends
	// the log that is being replayed. The session is live from here on.
	delete(m.cursors, e.SessionKey)
	return true
}

// send sends a frame that belongs to no session.
func (m *Member) send(frame conn.Prepared) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.resuming {
		m.Send(frame)
	}
}

// setCursorLocked makes the session one that is being replayed, from after a
// position. A replay that is under way for the session ends.
func (m *Member) setCursorLocked(key string, at position) *cursor {
	c := &cursor{position: at, replaying: true}
	if m.cursors == nil {
		m.cursors = map[string]*cursor{}
	}
	m.cursors[key] = c
	return c
}

// removeCursor makes the session live, and ends a replay that is under way.
func (m *Member) removeCursor(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cursors, key)
}

// enqueueLocked adds the session to those that a replayer will replay.
func (m *Member) enqueueLocked(key string) {
	if !slices.Contains(m.pending, key) {
		m.pending = append(m.pending, key)
	}
}
