// Package hub knows who follows what, hands each event to its followers, and
// lets those who were away catch up.
//
// An event is encoded once a form (plain, and with formatted text for those who
// take it), never once a connection. Whoever publishes waits for no connection:
// a follower that cannot keep up is closed by its own queue. What a follower has
// missed is read from the log, at its own pace, and never all of it at once.
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

// Hub is safe for concurrent use.
type Hub struct {
	mu       sync.RWMutex
	all      map[*Member]struct{}
	byUser   map[string][]*Member // a list that was given away is never changed
	watchers map[string][]*Member // by session; likewise

	live    *present.Live
	recent  recent
	changes changes
	replays sync.WaitGroup

	replayed atomic.Int64 // events
}

// New makes an empty Hub.
func New() *Hub {
	return &Hub{
		all: map[*Member]struct{}{}, byUser: map[string][]*Member{}, watchers: map[string][]*Member{},
		live:   present.NewLive(),
		recent: recent{byUser: map[string]map[string]change{}},
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
	h.changes.count(m, 1)
	h.Changed(protocol.TopicClients)
}

// Leave ends that, and whatever is being replayed to m, but for an event that is
// on its way. It may be called more than once.
func (h *Hub) Leave(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.all[m]; !ok {
		return
	}
	delete(h.all, m)
	without(h.byUser, m.UserID, m)
	h.changes.count(m, -1)
	h.Changed(protocol.TopicClients)
	for key := range m.watches {
		without(h.watchers, key, m)
	}
	m.watches = nil
	if m.replayer != nil {
		m.replayer.stop()
	}
}

// without takes m out of a list. It makes a new one: the old one may be given
// away.
func without(lists map[string][]*Member, key string, m *Member) {
	rest := slices.DeleteFunc(slices.Clone(lists[key]), func(o *Member) bool { return o == m })
	if len(rest) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = rest
}

// Wait waits until nothing is being replayed. Everybody must have left before.
func (h *Hub) Wait() { h.replays.Wait() }

// Replayed is how many events were sent to those who had missed them, whether
// they resumed or asked for them.
func (h *Hub) Replayed() int64 { return h.replayed.Load() }

// Publish hands a committed event to those who follow its session. A session's
// events must come one at a time, in their order; then they reach each follower
// in that order.
func (h *Hub) Publish(e session.Event) {
	if e.Seq <= 1 { // another log begins, or the session is no more
		h.recent.forget(&e)
	}
	followers, watchers := h.followers(&e)
	payload := h.live.Payload(e, slices.ContainsFunc(followers, takesHTML) || slices.ContainsFunc(watchers, takesHTML))
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
			if m.UserID != e.UserID { // or it is a follower
				m.deliver(&e, plain, formatted)
			}
		}
	}
	if e.Seq > 0 {
		h.recent.note(&e) // now that everybody has it
	}
	if listed(&e) {
		h.Changed(protocol.TopicSessions)
	}
}

func takesHTML(m *Member) bool { return m.HTML }

// followers are never changed once they were given: nobody who joins or leaves
// waits for an event to be formatted and sent.
func (h *Hub) followers(e *session.Event) (followers, watchers []*Member) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byUser[e.UserID], h.watchers[e.SessionKey]
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
			m.tell(frame)
		}
	}
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
