package hub

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxWatches is how many sessions of other users one member may watch.
	maxWatches = protocol.MaxResume
	// maxCursors bounds a member's cursors when Watch adds another.
	maxCursors = 2 * protocol.MaxResume
	// watchRetryMs is the delay after which a refused Watch may be tried again.
	watchRetryMs = 1000
)

// Watch makes an admin's member follow a session: from after the event of that seq
// in that epoch (empty: the present one), or from the end of the log if after is
// nil. at says where the log ends. The caller sends at to the client and then calls
// start: until then nothing is replayed.
//
// It refuses with NOT_FOUND, and with RESOURCE_EXHAUSTED if the member watches
// maxWatches sessions or has too many cursors.
func (h *Hub) Watch(ctx context.Context, log Log, m *Member, key, epoch string, after *int64) (
	at protocol.ResumedCursor, start func(), err error,
) {
	from := int64(0)
	if after != nil {
		from = *after
	}
	if m.HTML { // before the log is read: see present.Live.Restate
		h.live.Restate(key, m.caller())
	}
	part, err := log.Replay(ctx, m.caller().To(key), epoch, from, probe)
	if err != nil {
		return at, nil, err
	}
	own := part.Session.UserID == m.UserID
	at = protocol.ResumedCursor{
		SessionKey: key, Status: protocol.ResumeLive,
		Epoch: part.Session.Epoch, LastSeq: part.Session.LastSeq,
	}
	if part.Reset && (after != nil || epoch != "" && epoch != at.Epoch) {
		at.Status = protocol.ResumeReset
	}
	if after == nil {
		from = at.LastSeq
	}
	start = func() {}
	if at.Status == protocol.ResumeLive && (after != nil || !own) {
		// The cursor comes before watch, so that no event is sent twice.
		c := m.restartCursor(key, position{at.Epoch, from})
		if c == nil {
			return at, nil, protocol.Exhausted(
				"this connection is still catching up with too many sessions: try again in a moment", watchRetryMs)
		}
		start = func() { h.startReplay(log, m, key, c) }
	}
	if !own && !h.watch(m, key, part.Session.UserID) {
		m.removeCursor(key)
		return at, nil, protocol.Exhausted(
			"this connection watches as many sessions as it may: end one with chat.unwatch first", watchRetryMs)
	}
	return at, start, nil
}

// restartCursor sets the session's cursor, whatever is being replayed of the
// session. It gives nil if the member has too many cursors.
func (m *Member) restartCursor(key string, from position) *cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cursors[key] == nil && len(m.cursors) >= maxCursors {
		return nil
	}
	return m.setCursorLocked(key, from)
}

// startReplay begins the replay from c, unless c was replaced meanwhile.
func (h *Hub) startReplay(log Log, m *Member, key string, c *cursor) {
	m.mu.Lock()
	if m.cursors[key] == c {
		m.enqueueLocked(key)
	}
	m.mu.Unlock()
	h.startReplayer(log, m)
}

// watch makes the member a watcher of the session of that user. It reports false
// if the member watches as many sessions as it may, or has left.
func (h *Hub) watch(m *Member, key, userID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, joined := h.all[m]
	_, watches := m.watches[key]
	switch {
	case watches:
		return true
	case !joined || len(m.watches) >= maxWatches:
		return false
	case m.watches == nil:
		m.watches = map[string]string{}
	}
	m.watches[key] = userID
	h.watchers[key] = append(h.watchers[key], m)
	return true
}

// Unwatch ends Watch. An event that is being sent may still reach m. A member follows the
// sessions of its own user in any case.
func (h *Hub) Unwatch(m *Member, key string) {
	h.mu.Lock()
	_, watches := m.watches[key]
	if watches {
		delete(m.watches, key)
		remove(h.watchers, key, m)
	}
	h.mu.Unlock()
	if watches {
		m.removeCursor(key)
	}
}
