package hub

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Log is what sessions have said. *session.Service is one.
type Log interface {
	Replay(ctx context.Context, a session.Access, epoch string, after int64, most session.Span) (session.Replay, error)
	Said(ctx context.Context, key, epoch, runID string, through int64) (string, error)
}

// maxWatches is how many sessions of others one connection may watch.
const maxWatches = protocol.MaxResume

// glance is how much is read to see where a log stands.
var glance = session.Span{Events: 1, Bytes: 1}

// Enter is Join for a client that has read some logs before. It gives what
// becomes of each cursor, of which there are no two for a session. The member is
// told nothing until open is called, which must follow the client's answer; then
// it gets, for each session that is live, every event after the cursor in order,
// from the log and as they are published. For an admin, a cursor in the session
// of another watches that.
//
// When it gives an error, the store's, the member has not joined.
func (h *Hub) Enter(ctx context.Context, log Log, m *Member, cursors []protocol.Cursor) (resumed []protocol.ResumedCursor, open func(), err error) {
	m.mu.Lock()
	m.entering = true
	for _, c := range cursors {
		m.hold(c.SessionKey, position{c.Epoch, c.AfterSeq})
		if m.HTML { // before the log is read: see present.Live.Restate
			h.live.Restate(c.SessionKey, m.caller())
		}
	}
	m.mu.Unlock()
	h.Join(m)
	for _, c := range cursors {
		r, err := h.resume(ctx, log, m, c)
		if err != nil {
			h.Leave(m)
			return nil, nil, err
		}
		resumed = append(resumed, r)
	}
	return resumed, func() { h.open(log, m, resumed) }, nil
}

// resume says what becomes of a cursor. What is published meanwhile is heard by
// its place.
func (h *Hub) resume(ctx context.Context, log Log, m *Member, c protocol.Cursor) (protocol.ResumedCursor, error) {
	at := protocol.ResumedCursor{SessionKey: c.SessionKey, Status: protocol.ResumeLive}
	part, err := log.Replay(ctx, m.caller().To(c.SessionKey), c.Epoch, c.AfterSeq, glance)
	code := refusal(err)
	switch {
	case code != "":
		at.Status = protocol.ResumeGone
	case err != nil:
		return at, err
	case part.Reset:
		at.Status = protocol.ResumeReset
	}
	at.Epoch, at.LastSeq = part.Session.Epoch, part.Session.LastSeq
	foreign := code == "" && part.Session.UserID != m.UserID
	if foreign {
		h.watch(m, c.SessionKey, part.Session.UserID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch p := m.places[c.SessionKey]; {
	case code == protocol.NotFound:
		p.gone, p.position = true, position{}
	case at.Status == protocol.ResumeLive:
		p.epoch = at.Epoch
		p.heard = p.heard || foreign // or not, before it was watched
	default: // somebody else's, or to be read from its history
		delete(m.places, c.SessionKey)
	}
	return at, nil
}

// refusal is the code with which the domain has refused, or "".
func refusal(err error) protocol.Code {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// open begins to tell the member, whose client has its answer.
func (h *Hub) open(log Log, m *Member, resumed []protocol.ResumedCursor) {
	m.mu.Lock()
	m.entering = false
	for _, at := range resumed {
		p := m.places[at.SessionKey]
		switch {
		case p == nil:
		case p.heard || !p.gone && p.seq < at.LastSeq:
			m.waiting = append(m.waiting, at.SessionKey)
		case p.gone: // and it stays so, as far as was heard
			delete(m.places, at.SessionKey)
		default:
			p.settle()
		}
	}
	m.mu.Unlock()
	h.follow(log, m)
}

// Watch makes an admin's member follow a session, from after that seq of that
// epoch (empty: whichever it is now), or from where it stands if after is nil.
// It gives where the log stands, and refuses with NOT_FOUND, and with
// RESOURCE_EXHAUSTED beyond maxWatches sessions. The events follow once open is
// called.
func (h *Hub) Watch(ctx context.Context, log Log, m *Member, key, epoch string, after *int64) (at protocol.ResumedCursor, open func(), err error) {
	from := int64(0)
	if after != nil {
		from = *after
	}
	if m.HTML {
		h.live.Restate(key, m.caller())
	}
	part, err := log.Replay(ctx, m.caller().To(key), epoch, from, glance)
	if err != nil {
		return at, nil, err
	}
	own := part.Session.UserID == m.UserID
	at = protocol.ResumedCursor{SessionKey: key, Status: protocol.ResumeLive, Epoch: part.Session.Epoch, LastSeq: part.Session.LastSeq}
	if part.Reset && (after != nil || epoch != "" && epoch != at.Epoch) {
		at.Status = protocol.ResumeReset
	}
	if after == nil {
		from = at.LastSeq
	}
	open = func() {}
	if at.Status == protocol.ResumeLive && (after != nil || !own) {
		// Before it is watched, so that nothing goes out twice.
		p := m.again(key, position{at.Epoch, from})
		if p == nil {
			return at, nil, protocol.Exhausted("too much is being replayed to this connection: wait for it", watchRetryMs)
		}
		open = func() { h.replayAgain(log, m, key, p) }
	}
	if !own && !h.watch(m, key, part.Session.UserID) {
		m.release(key)
		return at, nil, protocol.Exhausted("this connection watches as many sessions as one may: chat.unwatch some", watchRetryMs)
	}
	return at, open, nil
}

// watchRetryMs is when a Watch that was refused may be tried again.
const watchRetryMs = 1000

// maxPlaces bounds what a member is in the middle of.
const maxPlaces = 2 * protocol.MaxResume

// again holds a session from a place on, whatever is replayed of it now, and
// gives nil when that are too many.
func (m *Member) again(key string, from position) *place {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.places[key] == nil && len(m.places) >= maxPlaces {
		return nil
	}
	return m.hold(key, from)
}

// replayAgain begins the replay that p waits for, unless that was overtaken.
func (h *Hub) replayAgain(log Log, m *Member, key string, p *place) {
	m.mu.Lock()
	if m.places[key] == p && !slices.Contains(m.waiting, key) {
		m.waiting = append(m.waiting, key)
	}
	m.mu.Unlock()
	h.follow(log, m)
}

// release lets a session's events go out, or not, whatever is replayed of it.
func (m *Member) release(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.places, key)
}

// watch reports false when the member watches as many sessions as it may, or has
// left.
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

// Unwatch ends Watch, but for an event that is on its way. Sessions of its own
// user a member follows all the same.
func (h *Hub) Unwatch(m *Member, key string) {
	h.mu.Lock()
	_, watches := m.watches[key]
	if watches {
		delete(m.watches, key)
		without(h.watchers, key, m)
	}
	h.mu.Unlock()
	if watches {
		m.release(key)
	}
}
