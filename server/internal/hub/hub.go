// Package hub knows who follows what, and hands each event to its followers.
//
// An event is encoded once a form (plain, and with formatted text for those who
// take it), never once a connection. Nothing here waits for a connection: a
// follower that cannot keep up is closed by its own queue.
package hub

import (
	"bytes"
	"slices"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sender takes frames for one connection without waiting. *conn.Conn is one.
type Sender interface {
	Send(p conn.Prepared) bool
}

// Member is an authenticated connection. Its fields are not changed once it has
// joined.
type Member struct {
	Sender
	UserID   string
	Role     protocol.Role
	DeviceID string // of the credential; empty for a token
	HTML     bool   // it takes formatted text
}

// Hub is safe for concurrent use.
type Hub struct {
	mu     sync.RWMutex
	all    map[*Member]struct{}
	byUser map[string][]*Member // a list that was given away is never changed

	answers answers
}

// New makes an empty Hub.
func New() *Hub {
	return &Hub{
		all: map[*Member]struct{}{}, byUser: map[string][]*Member{},
		answers: answers{bySession: map[string]*answer{}},
	}
}

// Join makes m follow the sessions of its user, and, for an admin, what
// concerns admins. Every event published after that reaches m, so that a history
// read after it leaves no gap. It may be called more than once.
func (h *Hub) Join(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.all[m]; ok {
		return
	}
	h.all[m] = struct{}{}
	h.byUser[m.UserID] = append(h.byUser[m.UserID], m)
}

// Leave ends that, but for an event that is on its way. It may be called more
// than once.
func (h *Hub) Leave(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.all[m]; !ok {
		return
	}
	delete(h.all, m)
	// A new list: the old one may be given away.
	rest := slices.DeleteFunc(slices.Clone(h.byUser[m.UserID]), func(o *Member) bool { return o == m })
	if len(rest) == 0 {
		delete(h.byUser, m.UserID)
		return
	}
	h.byUser[m.UserID] = rest
}

// Publish hands a committed event to those who follow its session. A session's
// events must come one at a time, in their order; then they reach each follower
// in that order.
func (h *Hub) Publish(e session.Event) {
	followers := h.followers(e.UserID)
	payload := h.answers.payload(e, slices.ContainsFunc(followers, func(m *Member) bool { return m.HTML }))
	if len(followers) == 0 {
		return
	}
	plain := sync.OnceValue(func() conn.Prepared { return prepare(e.Name, e.Payload, e.Seq) })
	formatted := plain
	if !bytes.Equal(payload, e.Payload) {
		formatted = sync.OnceValue(func() conn.Prepared { return prepare(e.Name, payload, e.Seq) })
	}
	for _, m := range followers {
		if m.HTML {
			m.Send(formatted())
		} else {
			m.Send(plain())
		}
	}
}

// followers is never changed once it was given: nobody who joins or leaves waits
// for an event to be formatted and sent.
func (h *Hub) followers(userID string) []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byUser[userID]
}

func prepare(name string, payload []byte, seq int64) conn.Prepared {
	return conn.Prepare(protocol.AppendEvent(make([]byte, 0, len(payload)+64), name, payload, seq))
}

// ToAll sends an event of no session to everybody.
func (h *Hub) ToAll(name string, payload protocol.Payload) {
	h.each(name, payload, func(*Member) bool { return true })
}

// ToAdmins sends an event of no session to every admin.
func (h *Hub) ToAdmins(name string, payload protocol.Payload) {
	h.each(name, payload, func(m *Member) bool { return m.Role.Allows(protocol.Admin) })
}

func (h *Hub) each(name string, payload protocol.Payload, wanted func(*Member) bool) {
	frame := prepare(name, payload.AppendJSON(nil), 0)
	for _, m := range h.Members() {
		if wanted(m) {
			m.Send(frame)
		}
	}
}

// Device gives the connections of a device.
func (h *Hub) Device(id string) []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var of []*Member
	for m := range h.all {
		if id != "" && m.DeviceID == id {
			of = append(of, m)
		}
	}
	return of
}

// Members gives everybody.
func (h *Hub) Members() []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	members := make([]*Member, 0, len(h.all))
	for m := range h.all {
		members = append(members, m)
	}
	return members
}

// Len is how many there are.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.all)
}
