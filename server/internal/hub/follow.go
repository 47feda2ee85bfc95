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
	// batchBytes and batchFrames are what a replay queues before it waits for
	// that to leave.
	batchBytes  = 64 << 10
	batchFrames = 256
	// readTimeout bounds one reading of the log.
	readTimeout = 20 * time.Second
	// A log that cannot be read is tried again after firstWait, and twice that,
	// and so on; after readAttempts the client has to come back.
	firstWait    = 100 * time.Millisecond
	readAttempts = 7
)

// page is how much a replay reads at once.
var page = session.Span{Events: batchFrames, Bytes: batchBytes}

// Why a replay ends before it is done.
var (
	errOver   = errors.New("its place was taken away") // the rest goes out by itself, or not at all
	errClosed = errors.New("the connection is closed")
)

// follow replays what waits to be replayed to the member, in a goroutine.
func (h *Hub) follow(log Log, m *Member) {
	m.mu.Lock()
	start := !m.replaying && len(m.waiting) > 0
	m.replaying = m.replaying || start
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
	h.replays.Go(func() {
		if err := r.all(ctx); err != nil && ctx.Err() == nil {
			m.GiveUp(err)
		}
		stop()
		h.finished(r)
	})
}

// finished forgets a replayer, unless the member has another by now.
func (h *Hub) finished(r *replayer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.m.replayer == r {
		r.m.replayer = nil
	}
}

// replayer replays to one member, one session after the other.
type replayer struct {
	hub  *Hub
	log  Log
	m    *Member
	stop context.CancelFunc

	bytes, frames int // that may be queued before everything has to leave

	// The session's that is being replayed.
	key   string
	place *place
	at    position // what the member has; as in place
	html  *present.Replay
}

// all replays what waits, until nothing does. Its error is the log's.
func (r *replayer) all(ctx context.Context) error {
	for r.next(ctx) {
		switch err := r.session(ctx); {
		case err == nil || errors.Is(err, errOver):
		case errors.Is(err, errClosed):
			return nil
		default:
			return fmt.Errorf("replay session %s after %d: %w", r.key, r.at.seq, err)
		}
	}
	return nil
}

// next takes up the next session that waits.
func (r *replayer) next(ctx context.Context) bool {
	m := r.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) > 0 {
		r.key, m.waiting = m.waiting[0], m.waiting[1:]
		if r.place = m.places[r.key]; r.place != nil && r.place.held {
			r.begin(ctx, r.place.position)
			return true
		}
	}
	m.waiting, m.replaying = nil, false
	return false
}

// begin begins to tell what comes after a place.
func (r *replayer) begin(ctx context.Context, at position) {
	r.at = at
	r.html = present.NewReplay(func(runID string, through int64) (string, error) {
		ctx, done := context.WithTimeout(ctx, readTimeout)
		defer done()
		return r.log.Said(ctx, r.key, at.epoch, runID, through)
	})
}

// session replays a session until its events can go out by themselves.
func (r *replayer) session(ctx context.Context) error {
	for {
		part, err := r.read(ctx)
		switch code := refusal(err); {
		case code != "":
			return r.end(code == protocol.NotFound)
		case err != nil:
			return err
		case part.Session.Epoch != r.at.epoch:
			// Another log has taken the place of the one that was being read: its
			// first event tells.
			r.begin(ctx, position{part.Session.Epoch, 0})
			if part.Reset {
				continue
			}
		case part.Reset:
			return r.missed(part.Session.LastSeq)
		}
		if err := r.tell(ctx, part); err != nil {
			return err
		}
		if r.at.seq == part.Session.LastSeq && r.catchesUp(len(part.Events)) && r.settled() {
			return nil
		}
	}
}

// read reads on in the log. What the log refuses is not tried again.
func (r *replayer) read(ctx context.Context) (part session.Replay, err error) {
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, 2*wait {
		reading, done := context.WithTimeout(ctx, readTimeout)
		part, err = r.log.Replay(reading, r.m.caller().To(r.key), r.at.epoch, r.at.seq, page)
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

// tell sends a part of the log, at the pace at which it leaves.
func (r *replayer) tell(ctx context.Context, part session.Replay) error {
	for i, e := range part.Events {
		if e.Seq != r.at.seq+1 {
			return r.missed(part.Session.LastSeq)
		}
		payload := e.Payload
		if r.m.HTML {
			payload = r.html.Payload(part.Events, i, false)
		}
		if r.bytes <= 0 || r.frames <= 0 {
			if r.m.Flushed(ctx) != nil {
				return errClosed
			}
			r.bytes, r.frames = batchBytes, batchFrames
		}
		r.bytes -= len(payload) + len(e.Name) + frameCost
		r.frames--
		if err := r.send(e.Seq, prepare(e.Name, payload, e.Seq)); err != nil {
			return err
		}
	}
	if len(part.Events) == 0 && r.at.seq < part.Session.LastSeq {
		return r.missed(part.Session.LastSeq)
	}
	return nil
}

// frameCost is what a frame has beside its event's name and payload, about.
const frameCost = 80

// send sends the event of that seq, unless the place was taken away.
func (r *replayer) send(seq int64, frame conn.Prepared) error {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	switch {
	case r.m.places[r.key] != r.place:
		return errOver
	case !r.m.Send(frame):
		return errClosed
	}
	r.hub.replayed.Add(1)
	r.at.seq = seq
	r.place.position, r.place.gone = r.at, false
	return nil
}

// catchesUp reports whether the next live patch will correct everything stale on
// the reader's screen. If not, it schedules a full restatement; the caller must not
// have sent anything in between.
func (r *replayer) catchesUp(told int) bool {
	if told == 0 || !r.html.Behind() {
		return true
	}
	r.hub.live.Restate(r.key, r.m.caller())
	return false
}

// settled lets the session's events go out by themselves, if the member has all
// that were published: then nothing is missing between what was replayed and the
// next event.
func (r *replayer) settled() bool {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	p := r.place
	switch {
	case r.m.places[r.key] != p:
		return true
	case p.heard && p.last.epoch == r.at.epoch && p.last.seq > r.at.seq:
		return false
	}
	p.position = r.at
	p.settle()
	return true
}

// missed tells the member where the log stands, of which it cannot be told the
// next event: it was removed. So the client sees the gap, and asks.
func (r *replayer) missed(lastSeq int64) error {
	tick := protocol.Tick{Sessions: map[string]int64{r.key: lastSeq}}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if r.m.places[r.key] == r.place {
		delete(r.m.places, r.key)
		r.m.Send(prepare(protocol.EventTick, tick.AppendJSON(nil), 0))
	}
	return errOver
}

// end ends the replay of a session that the member cannot read: with gone, one
// that is no more, of which it is told if it does not know.
func (r *replayer) end(gone bool) error {
	deleted := protocol.SessionUpdated{SessionKey: r.key, Change: protocol.SessionDeleted}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	p := r.place
	switch {
	case r.m.places[r.key] != p:
	case !gone:
		delete(r.m.places, r.key)
	default:
		if !p.gone {
			r.m.Send(prepare(protocol.EventSessionUpdated, deleted.AppendJSON(nil), 0))
		}
		p.gone, p.position = true, position{}
		p.settle()
	}
	return errOver
}
