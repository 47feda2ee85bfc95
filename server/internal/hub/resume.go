package hub

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Log is the stored events of all sessions. *session.Service is one.
type Log interface {
	// Replay gives the events after a seq, as session.Service.Replay does.
	Replay(
		ctx context.Context, a session.Access, epoch string, after int64, most session.Span,
	) (session.Replay, error)
	// AnswerText gives the text of a run's answer up to and with the event of that seq.
	AnswerText(ctx context.Context, key, epoch, runID string, through int64) (string, error)
}

// probe is how much of a log is read to learn where the log ends.
var probe = session.Span{Events: 1, Bytes: 1}

// Resume is Join for a client that has read some logs before, up to the cursors. A
// session may have one cursor at most. resumed has the status of each cursor. The caller
// sends resumed to the client and then calls start: until then m is sent nothing. From
// then on m gets, for each session whose status is live, every event after the cursor in
// order, replayed and then live. If an admin has a cursor in another user's session, m
// watches the session.
//
// The error of Resume is the store's; then m has not joined.
func (h *Hub) Resume(ctx context.Context, log Log, m *Member, cursors []protocol.Cursor) (
	resumed []protocol.ResumedCursor, start func(), err error,
) {
	m.mu.Lock()
	m.resuming = true
	for _, c := range cursors {
		m.setCursorLocked(c.SessionKey, position{c.Epoch, c.AfterSeq})
		if m.HTML { // before the log is read: see present.Live.Restate
			h.live.Restate(c.SessionKey, m.caller())
		}
	}
	m.mu.Unlock()
	h.Join(m)
	for _, c := range cursors {
		r, err := h.checkCursor(ctx, log, m, c)
		if err != nil {
			h.Leave(m)
			return nil, nil, err
		}
		resumed = append(resumed, r)
	}
	return resumed, func() { h.start(log, m, resumed) }, nil
}

// checkCursor finds out the status of a client's cursor.
func (h *Hub) checkCursor(ctx context.Context, log Log, m *Member, asked protocol.Cursor) (
	protocol.ResumedCursor, error,
) {
	at := protocol.ResumedCursor{SessionKey: asked.SessionKey, Status: protocol.ResumeLive}
	part, err := log.Replay(ctx, m.caller().To(asked.SessionKey), asked.Epoch, asked.AfterSeq, probe)
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
	watched := code == "" && part.Session.UserID != m.UserID
	if watched {
		at.OwnerID = part.Session.UserID
		h.watch(m, asked.SessionKey, at.OwnerID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch c := m.cursors[asked.SessionKey]; {
	case code == protocol.NotFound:
		c.setDeleted()
	case at.Status == protocol.ResumeLive:
		c.epoch = at.Epoch
		if watched { // an event may have been published before watch: the log has it
			c.deferred = true
		}
	default: // the client may not read the session, or has to load its history
		delete(m.cursors, asked.SessionKey)
	}
	return at, nil
}

// refusal is the code of a refusal by the session service, or "".
func refusal(err error) protocol.Code {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// start begins to send to a member that resumes, and to replay what it has missed.
func (h *Hub) start(log Log, m *Member, resumed []protocol.ResumedCursor) {
	m.mu.Lock()
	m.resuming = false
	for _, at := range resumed {
		c := m.cursors[at.SessionKey]
		switch {
		case c == nil:
		case c.deferred || !c.deleted && c.seq < at.LastSeq:
			m.enqueueLocked(at.SessionKey)
		case c.deleted: // nothing was published since: there still is no such session
			delete(m.cursors, at.SessionKey)
		default:
			c.setCaughtUp()
		}
	}
	m.mu.Unlock()
	h.startReplayer(log, m)
}
