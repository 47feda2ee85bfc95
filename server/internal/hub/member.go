package hub

import (
	"context"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sender is one connection.
type Sender interface {
	// Send takes a frame without waiting, and reports whether the connection
	// still takes any.
	Send(p conn.Prepared) bool
	// Flushed waits until what was sent so far has left.
	Flushed(ctx context.Context) error
	// GiveUp closes the connection, so that the client comes back: what it has
	// missed cannot be read.
	GiveUp(err error)
}

// Member is an authenticated connection. Its exported fields are not changed
// once it has joined.
type Member struct {
	Sender
	UserID string
	Role   protocol.Role
	HTML   bool // it takes formatted text

	// The Hub's, guarded by its mutex.
	watches  map[string]string // sessions of others, and whose they are
	replayer *replayer         // nil: there is none

	mu        sync.Mutex
	entering  bool              // its cursors are being looked at: it is told nothing yet
	places    map[string]*place // by session; events of the others simply go out
	waiting   []string          // sessions to be replayed, in this order
	replaying bool              // a goroutine takes them
}

// place is where a member is in a session's log while that session's events do
// not simply go out to it: all the time that a replay tells it what there is,
// and from then on until it is sure to get nothing twice.
type place struct {
	position
	gone  bool     // the member knows that there is no such session
	held  bool     // events are left to the replay
	heard bool     // some were,
	last  position // this one last
	ticks int      // since it is held no more
}

// position is a place in one of the logs that a session has had.
type position struct {
	epoch string
	seq   int64
}

// includes reports whether the member knows what the event tells: a replay may
// have found it in the log before it was published.
func (p *place) includes(e *session.Event) bool {
	if e.Seq == 0 {
		return p.gone
	}
	return e.Epoch == p.epoch && e.Seq <= p.seq
}

// caller is the member to the domain.
func (m *Member) caller() session.Caller { return session.Caller{UserID: m.UserID, Role: m.Role} }

// deliver hands over an event of a session that the member follows.
func (m *Member) deliver(e *session.Event, plain, formatted func() conn.Prepared) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.isNext(e) {
		return
	}
	frame := plain
	if m.HTML {
		frame = formatted
	}
	m.Send(frame())
}

// isNext reports whether the event is to go out now. m.mu is held.
func (m *Member) isNext(e *session.Event) bool {
	p := m.places[e.SessionKey]
	switch {
	case p == nil:
		return !m.entering
	case p.includes(e):
		return false
	case m.entering || p.held && e.Seq > 1:
		p.heard, p.last = true, position{e.Epoch, e.Seq}
		return false
	}
	// The next one, or one that ends the log that is being replayed: it begins
	// another, or the session is no more. From here on all go out.
	delete(m.places, e.SessionKey)
	return true
}

// tell sends a frame of no session.
func (m *Member) tell(frame conn.Prepared) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.entering {
		m.Send(frame)
	}
}

// hold leaves a session's events to a replay. m.mu is held.
func (m *Member) hold(key string, at position) *place {
	p := &place{position: at, held: true}
	if m.places == nil {
		m.places = map[string]*place{}
	}
	m.places[key] = p
	return p
}

// settle lets a session's events go out, from its place on; p is forgotten by
// and by. m.mu is held.
func (p *place) settle() { p.held, p.heard, p.last = false, false, position{} }
