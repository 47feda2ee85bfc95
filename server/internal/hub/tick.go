package hub

import (
	"maps"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// recentTicks is for how many ticks a session counts as changed: a minute.
	recentTicks = int(time.Minute / protocol.TickInterval)
	// maxTick bounds a tick's payload, in bytes.
	maxTick = protocol.MaxFrameBytes / 4
)

// recent is how far the logs are that have grown lately.
type recent struct {
	mu     sync.Mutex
	tick   int
	byUser map[string]map[string]change // by session
}

// change is the last one of a session.
type change struct {
	seq  int64
	tick int // before which it was
}

// note notes an event that everybody has who follows its session.
func (r *recent) note(e *session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.byUser[e.UserID]
	if of == nil {
		of = map[string]change{}
		r.byUser[e.UserID] = of
	}
	of[e.SessionKey] = change{e.Seq, r.tick}
}

// forget forgets a log that is no more: nobody who is told so is told after that
// how far it was.
func (r *recent) forget(e *session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byUser[e.UserID], e.SessionKey)
}

// next forgets what is long ago.
func (r *recent) next() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tick++
	for user, of := range r.byUser {
		maps.DeleteFunc(of, func(_ string, c change) bool { return r.tick-c.tick > recentTicks })
		if len(of) == 0 {
			delete(r.byUser, user)
		}
	}
}

// Tick tells everybody that the gateway lives, and how far those sessions that a
// member follows are that have changed within a minute. It is to be called every
// protocol.TickInterval.
func (h *Hub) Tick() {
	h.recent.next()
	nothing := tick(nil)
	for user, members := range h.users() {
		h.tickUser(user, members, nothing)
	}
}

func (h *Hub) users() map[string][]*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return maps.Clone(h.byUser)
}

// tickUser tells the members of one user. What they are told of changes while
// they are told of nothing that ends it: see forget.
func (h *Hub) tickUser(user string, members []*Member, frame conn.Prepared) {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	sessions := map[string]int64{}
	for key, c := range h.recent.byUser[user] {
		sessions[key] = c.seq
	}
	if len(sessions) > 0 {
		frame = tick(sessions)
	}
	for _, m := range members {
		m.tick(frame, sessions, h.watched(m))
	}
}

// watched gives how far the sessions are that the member watches. The lock of
// what is recent is held.
func (h *Hub) watched(m *Member) map[string]int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if len(m.watches) == 0 {
		return nil
	}
	watched := map[string]int64{}
	for key, userID := range m.watches {
		if c, ok := h.recent.byUser[userID][key]; ok {
			watched[key] = c.seq
		}
	}
	return watched
}

// tick tells the member of its user's sessions, for which there is a frame, and
// of those it watches. What is being replayed to it is left out: it would seem
// to be missing.
func (m *Member) tick(frame conn.Prepared, sessions, watched map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entering {
		return
	}
	own := len(watched) > 0
	for key, p := range m.places {
		if p.held {
			_, changed := sessions[key]
			own = own || changed
			continue
		}
		if p.ticks++; p.ticks > recentTicks { // whatever was in the log then was published
			delete(m.places, key)
		}
	}
	if len(m.places) == 0 {
		m.places = nil
	}
	if own {
		all := map[string]int64{}
		for _, part := range []map[string]int64{sessions, watched} {
			for key, seq := range part {
				if p := m.places[key]; p == nil || !p.held {
					all[key] = seq
				}
			}
		}
		frame = tick(all)
	}
	m.Send(frame)
}

// tick is a tick's frame. Of too many sessions it has some.
func tick(sessions map[string]int64) conn.Prepared {
	t := protocol.Tick{Sessions: map[string]int64{}}
	room := maxTick
	for key, seq := range sessions {
		if room -= len(key) + 24; room < 0 { // quotes, colon, comma and the seq
			break
		}
		t.Sessions[key] = seq
	}
	return prepare(protocol.EventTick, t.AppendJSON(nil), 0)
}
