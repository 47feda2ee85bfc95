package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// batchBytes and batchFrames bound a batch: what a replayer queues before it
	// waits until all of that is written.
	batchBytes  = 64 << 10
	batchFrames = 256
	// frameCost estimates what a frame adds to the event's name and payload, in
	// bytes.
	frameCost = 80
	// readTimeout bounds one reading of the log.
	readTimeout = 20 * time.Second
	// If the log cannot be read, the replayer retries after firstRetry, then after
	// twice as long, and so on. After readAttempts it closes the connection.
	firstRetry   = 100 * time.Millisecond
	readAttempts = 7
)

// batchSpan is how much of the log a replayer reads at once.
var batchSpan = session.Span{Events: batchFrames, Bytes: batchBytes}

var (
	// errReplayOver says that this replay has no more to send: the session is live,
	// or not followed any more, or another replay has begun.
	errReplayOver = errors.New("the replay is over")
	errClosed     = errors.New("the connection is closed")
)

// replayer sends to one member what it has missed, one session after the other. It
// works in a goroutine of its own until the member has no pending session.
type replayer struct {
	hub  *Hub
	log  Log
	m    *Member
	stop context.CancelFunc

	// How much more fits the current batch.
	bytesLeft, framesLeft int

	// The session that is being replayed.
	key       string
	cursor    *cursor
	at        position // a copy of the cursor's, which needs no mutex
	formatter *present.Replay
}

// startReplayer starts a replayer for the member's pending sessions, unless one is
// at work or there are none.
func (h *Hub) startReplayer(log Log, m *Member) {
	m.mu.Lock()
	start := !m.replayerActive && len(m.pending) > 0
	m.replayerActive = m.replayerActive || start
	m.mu.Unlock()
	if !start {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, joined := h.all[m]; !joined {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &replayer{hub: h, log: log, m: m, stop: stop}
	m.replayer = r
	h.replayers.Go(func() {
		if err := r.run(ctx); err != nil && ctx.Err() == nil {
			m.GiveUp(err)
		}
		stop()
		h.forgetReplayer(r)
	})
}

// forgetReplayer forgets a replayer that has ended, unless the member has another
// by now.
func (h *Hub) forgetReplayer(r *replayer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.m.replayer == r {
		r.m.replayer = nil
	}
}

// run replays the pending sessions until there are none or the connection is
// closed. Its error is the log's.
func (r *replayer) run(ctx context.Context) error {
	for r.nextSession(ctx) {
		switch err := r.replay(ctx); {
		case err == nil || errors.Is(err, errReplayOver):
		case errors.Is(err, errClosed):
			return nil
		default:
			return fmt.Errorf("replay session %s after %d: %w", r.key, r.at.seq, err)
		}
	}
	return nil
}

// nextSession takes the next pending session. If there is none, the replayer is
// not active any more.
func (r *replayer) nextSession(ctx context.Context) bool {
	m := r.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.pending) > 0 {
		r.key, m.pending = m.pending[0], m.pending[1:]
		if r.cursor = m.cursors[r.key]; r.cursor != nil && r.cursor.replaying {
			r.startAfter(ctx, r.cursor.position)
			return true
		}
	}
	m.pending, m.replayerActive = nil, false
	return false
}

// startAfter makes the replay go on with the event after a position.
func (r *replayer) startAfter(ctx context.Context, at position) {
	r.at = at
	r.formatter = r.hub.live.NewReplay(ctx, r.m.UserID, present.Log{
		AnswerText: func(runID string, through int64) (string, error) {
			ctx, done := context.WithTimeout(ctx, readTimeout)
			defer done()
			return r.log.AnswerText(ctx, r.key, at.epoch, runID, through)
		},
	})
}

// replay replays the session until the member has caught up.
func (r *replayer) replay(ctx context.Context) error {
	for {
		part, err := r.readLog(ctx)
		switch code := refusal(err); {
		case code != "":
			return r.endUnreadable(code == protocol.NotFound)
		case err != nil:
			return err
		case part.Session.Epoch != r.at.epoch:
			// The session has another log since the last reading. The first event of that
			// log tells the client.
			r.startAfter(ctx, position{part.Session.Epoch, 0})
			if part.Reset {
				continue
			}
		case part.Reset:
			return r.endWithGap(part.Session.LastSeq)
		}
		if err := r.sendEvents(ctx, part); err != nil {
			return err
		}
		if r.at.seq == part.Session.LastSeq && r.catchesUp(len(part.Events)) && r.endCaughtUp() {
			return nil
		}
	}
}

// readLog reads the events after the cursor. It retries if the log cannot be read,
// but not if the log refuses.
func (r *replayer) readLog(ctx context.Context) (part session.Replay, err error) {
	for attempt, wait := 1, firstRetry; ; attempt, wait = attempt+1, 2*wait {
		reading, done := context.WithTimeout(ctx, readTimeout)
		part, err = r.log.Replay(reading, r.m.caller().To(r.key), r.at.epoch, r.at.seq, batchSpan)
		done()
		if err == nil || refusal(err) != "" || attempt == readAttempts {
			return part, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return part, errClosed
		}
	}
}

// sendEvents sends the events of a part of the log. When a batch is full, it waits
// until the batch is written.
func (r *replayer) sendEvents(ctx context.Context, part session.Replay) error {
	for i, e := range part.Events {
		if e.Seq != r.at.seq+1 {
			return r.endWithGap(part.Session.LastSeq)
		}
		payload := e.Payload
		if r.m.HTML {
			payload = r.formatter.Payload(part, i)
		}
		if r.bytesLeft <= 0 || r.framesLeft <= 0 {
			if r.m.Flushed(ctx) != nil {
				return errClosed
			}
			r.bytesLeft, r.framesLeft = batchBytes, batchFrames
		}
		r.bytesLeft -= len(payload) + len(e.Name) + frameCost
		r.framesLeft--
		if err := r.send(e.Seq, prepare(e.Name, payload, e.Seq)); err != nil {
			return err
		}
	}
	if len(part.Events) == 0 && r.at.seq < part.Session.LastSeq {
		return r.endWithGap(part.Session.LastSeq)
	}
	return nil
}

// send sends the event of that seq and advances the cursor.
func (r *replayer) send(seq int64, frame conn.Prepared) error {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	switch {
	case !r.ownsCursorLocked():
		return errReplayOver
	case !r.m.Send(frame):
		return errClosed
	}
	r.hub.replayed.Add(1)
	r.at.seq = seq
	r.cursor.position, r.cursor.deleted = r.at, false
	return nil
}

// ownsCursorLocked reports whether the replay's cursor was neither replaced nor
// removed. The member's mutex must be held.
func (r *replayer) ownsCursorLocked() bool { return r.m.cursors[r.key] == r.cursor }

// catchesUp reports whether the next live patch will correct everything stale on
// the reader's screen, after the last reading has given n events. If not, it
// schedules a full restatement; the caller must not have sent anything in between,
// and has to read the log again.
func (r *replayer) catchesUp(n int) bool {
	if n == 0 || !r.formatter.Behind() {
		return true
	}
	r.hub.live.Restate(r.key, r.m.caller())
	return false
}

// endCaughtUp makes the session caught up, if no event after the cursor was
// deferred. It reports whether the replay is over.
func (r *replayer) endCaughtUp() bool {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	switch {
	case !r.ownsCursorLocked():
		return true
	case r.cursor.deferredAfter(r.at):
		return false
	}
	r.cursor.position = r.at
	r.cursor.setCaughtUp()
	return true
}

// endWithGap ends the replay because the log does not have the next event any
// more. A tick with the log's last seq makes the client see the gap.
func (r *replayer) endWithGap(lastSeq int64) error {
	tick := protocol.Tick{Sessions: map[string]int64{r.key: lastSeq}}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if r.ownsCursorLocked() {
		delete(r.m.cursors, r.key)
		r.m.Send(prepare(protocol.EventTick, tick.AppendJSON(nil), 0))
	}
	return errReplayOver
}

// endUnreadable ends the replay of a session that the member cannot read. If deleted, the
// session does not exist any more: then the client is notified, unless it knows.
func (r *replayer) endUnreadable(deleted bool) error {
	update := protocol.SessionUpdated{SessionKey: r.key, Change: protocol.SessionDeleted}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	switch c := r.cursor; {
	case !r.ownsCursorLocked():
	case !deleted:
		delete(r.m.cursors, r.key)
	default:
		if !c.deleted {
			r.m.Send(prepare(protocol.EventSessionUpdated, update.AppendJSON(nil), 0))
		}
		c.setDeleted()
		c.setCaughtUp()
	}
	return errReplayOver
}
