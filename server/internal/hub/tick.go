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
	// recentTicks is for how many ticks a change counts as recent: a minute.
	recentTicks = int(time.Minute / protocol.TickInterval)
	// maxTick bounds a tick's payload, in bytes.
	maxTick = protocol.MaxFrameBytes / 4
)

// recentChanges has the last change of each session that has changed recently.
type recentChanges struct {
	// mu guards the following fields. Ticks are sent while it is held, so that a tick
	// never follows an event that has ended the log.
	mu     sync.Mutex
	tick   int                          // ticks so far
	byUser map[string]map[string]change // by owner, then by session
}

// change is the last change of a session.
type change struct {
	seq  int64
	tick int // the number of ticks before it
}

// record records an event that was sent to all members who follow its session.
func (r *recentChanges) record(e *session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sessions := r.byUser[e.UserID]
	if sessions == nil {
		sessions = map[string]change{}
		r.byUser[e.UserID] = sessions
	}
	sessions[e.SessionKey] = change{e.Seq, r.tick}
}

// forget forgets a session whose log has ended. It must be called before the event
// that says so is sent: a tick with the old log's seq must not follow that event.
func (r *recentChanges) forget(e *session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byUser[e.UserID], e.SessionKey)
}

// expire counts a tick and forgets what has become too old.
func (r *recentChanges) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tick++
	for user, sessions := range r.byUser {
		maps.DeleteFunc(sessions, func(_ string, c change) bool { return r.tick-c.tick > recentTicks })
		if len(sessions) == 0 {
			delete(r.byUser, user)
		}
	}
}

// Tick tells every member that the gateway is alive, and the last seq of each
// session that the member follows and that has changed recently. The caller calls
// it every protocol.TickInterval.
func (h *Hub) Tick() {
	h.recent.expire()
	empty := tickFrame(nil)
	for user, members := range h.users() {
		h.tickUser(user, members, empty)
	}
}

func (h *Hub) users() map[string][]*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return maps.Clone(h.byUser)
}

// tickUser sends a tick to the members of one user; empty is the frame if no
// session has changed.
func (h *Hub) tickUser(user string, members []*Member, empty conn.Prepared) {
	h.recent.mu.Lock()
	defer h.recent.mu.Unlock()
	sessions := map[string]int64{}
	for key, c := range h.recent.byUser[user] {
		sessions[key] = c.seq
	}
	frame := empty
	if len(sessions) > 0 {
		frame = tickFrame(sessions)
	}
	for _, m := range members {
		m.tick(frame, sessions, h.watchedLocked(m))
	}
}

// watchedLocked gives the last seq of each session that the member watches and that
// has changed recently. h.recent.mu must be held.
func (h *Hub) watchedLocked(m *Member) map[string]int64 {
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

// tick sends the member a tick: frame, which has its user's sessions, or a frame of its
// own if the member watches others or has sessions that are being replayed. Those that
// are being replayed are left out: the client would take the events that were not
// replayed yet for missing.
func (m *Member) tick(frame conn.Prepared, sessions, watched map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.resuming {
		return
	}
	own := len(watched) > 0 // the member needs a frame of its own
	for key, c := range m.cursors {
		if c.replaying {
			_, changed := sessions[key]
			own = own || changed
			continue
		}
		if c.ticks++; c.ticks > recentTicks {
			delete(m.cursors, key) // all that the replay has read was published by now
		}
	}
	if len(m.cursors) == 0 {
		m.cursors = nil
	}
	if own {
		all := map[string]int64{}
		for _, part := range []map[string]int64{sessions, watched} {
			for key, seq := range part {
				if c := m.cursors[key]; c == nil || !c.replaying {
					all[key] = seq
				}
			}
		}
		frame = tickFrame(all)
	}
	m.Send(frame)
}

// tickFrame encodes a tick. If the sessions do not fit, it has some of them.
func tickFrame(sessions map[string]int64) conn.Prepared {
	t := protocol.Tick{Sessions: map[string]int64{}}
	left := maxTick
	for key, seq := range sessions {
		if left -= len(key) + 24; left < 0 { // quotes, colon, comma and the seq
			break
		}
		t.Sessions[key] = seq
	}
	return prepare(protocol.EventTick, t.AppendJSON(nil), 0)
}
