package hub

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Hub has all members. It is safe for concurrent use.
type Hub struct {
	// mu guards the following fields, and watches and replayer of every Member. The
	// order of locks is recent.mu, mu, adminLists.mu. A Member's mutex may be locked
	// while recent.mu is held, but mu is never locked while a Member's mutex is held.
	mu       sync.RWMutex
	all      map[*Member]struct{}
	byUser   map[string][]*Member // a list is replaced, never changed
	watchers map[string][]*Member // by session; likewise

	live       *present.Live
	recent     recentChanges
	adminLists adminLists
	replayers  sync.WaitGroup
	replayed   atomic.Int64 // events
}

// New makes a Hub without members. It formats messages with f.
func New(f *present.Formatter) *Hub {
	return &Hub{
		all: map[*Member]struct{}{}, byUser: map[string][]*Member{}, watchers: map[string][]*Member{},
		live:   present.NewLive(f),
		recent: recentChanges{byUser: map[string]map[string]change{}},
	}
}

// Join makes m follow the sessions of its user, and an admin's member also the events for
// admins. Every event that is published afterwards is sent to m, so a history that is read
// afterwards leaves no gap. A second Join changes nothing.
func (h *Hub) Join(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.all[m]; ok {
		return
	}
	h.all[m] = struct{}{}
	h.byUser[m.UserID] = append(h.byUser[m.UserID], m)
	h.adminLists.count(m, 1)
	h.NotifyAdmins(protocol.TopicClients)
}

// Leave removes m and stops its replays. An event that is being sent may still reach m. A
// second Leave changes nothing.
func (h *Hub) Leave(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.all[m]; !ok {
		return
	}
	delete(h.all, m)
	remove(h.byUser, m.UserID, m)
	h.adminLists.count(m, -1)
	h.NotifyAdmins(protocol.TopicClients)
	for key := range m.watches {
		remove(h.watchers, key, m)
	}
	m.watches = nil
	if m.replayer != nil {
		m.replayer.stop()
	}
}

// remove takes m out of the list under key. It makes a new list, since Publish may
// be going through the old one.
func remove(lists map[string][]*Member, key string, m *Member) {
	rest := slices.DeleteFunc(slices.Clone(lists[key]), func(o *Member) bool { return o == m })
	if len(rest) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = rest
}

// Wait waits until all replays have ended. Every member must have left before.
func (h *Hub) Wait() { h.replayers.Wait() }

// Replayed is the number of events that were replayed, by Resume, Watch and ReadPage.
func (h *Hub) Replayed() int64 { return h.replayed.Load() }

// Publish sends a committed event to the members that follow its session. The
// events of one session must come one at a time and in order; each member gets
// them in that order.
func (h *Hub) Publish(e session.Event) {
	if e.Seq <= 1 { // another log begins, or the session was deleted
		h.recent.forget(&e)
	}
	followers, watchers := h.followers(&e)
	wanted := slices.ContainsFunc(followers, takesHTML) || slices.ContainsFunc(watchers, takesHTML)
	payload := h.live.Payload(e, wanted)
	if len(followers)+len(watchers) > 0 {
		plain := sync.OnceValue(func() conn.Prepared { return prepare(e.Name, e.Payload, e.Seq) })
		formatted := plain
		if !bytes.Equal(payload, e.Payload) {
			formatted = sync.OnceValue(func() conn.Prepared { return prepare(e.Name, payload, e.Seq) })
		}
		for _, m := range followers {
			m.deliver(&e, plain, formatted)
		}
		for _, m := range watchers {
			if m.UserID != e.UserID { // otherwise m is among the followers
				m.deliver(&e, plain, formatted)
			}
		}
	}
	if e.Seq > 0 {
		h.recent.record(&e) // after it was sent: a tick must not be ahead of the events
	}
	if changesLists(&e) {
		h.NotifyAdmins(protocol.TopicSessions)
	}
}

func takesHTML(m *Member) bool { return m.HTML }

// followers gives the members that follow the event's session: those of its owner,
// and those that watch it. The lists never change, so that Join and Leave do not
// wait while an event is formatted and sent.
func (h *Hub) followers(e *session.Event) (followers, watchers []*Member) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byUser[e.UserID], h.watchers[e.SessionKey]
}

// prepare encodes an event's frame.
func prepare(name string, payload []byte, seq int64) conn.Prepared {
	return conn.Prepare(protocol.AppendEvent(make([]byte, 0, len(payload)+64), name, payload, seq))
}

// SendToAll sends an event that belongs to no session to all members.
func (h *Hub) SendToAll(name string, payload protocol.Payload) {
	h.broadcast(name, payload, func(*Member) bool { return true })
}

// SendToAdmins sends an event that belongs to no session to all admins.
func (h *Hub) SendToAdmins(name string, payload protocol.Payload) {
	h.broadcast(name, payload, (*Member).isAdmin)
}

func (h *Hub) broadcast(name string, payload protocol.Payload, wanted func(*Member) bool) {
	frame := prepare(name, payload.AppendJSON(nil), 0)
	for _, m := range h.Members() {
		if wanted(m) {
			m.send(frame)
		}
	}
}

// Members gives all members, in no order.
func (h *Hub) Members() []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	members := make([]*Member, 0, len(h.all))
	for m := range h.all {
		members = append(members, m)
	}
	return members
}

// Len is the number of members.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.all)
}
