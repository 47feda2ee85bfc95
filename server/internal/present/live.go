package present

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Live formats the answers that are being written, in all sessions. It is safe
// for concurrent use, but the events of one session must come one at a time and
// in their order.
type Live struct {
	formatter *Formatter

	// mu guards the following field.
	mu        sync.Mutex
	bySession map[string]*liveAnswer
}

// NewLive makes a Live that knows of no answer. It formats whole messages with f.
func NewLive(f *Formatter) *Live {
	return &Live{formatter: f, bySession: map[string]*liveAnswer{}}
}

// maxLiveWait is how long a published message waits for its turn to be formatted.
const maxLiveWait = time.Second

// Payload is the event's payload for readers who take formatted text; wanted says
// whether there is such a reader. Every event must pass through Payload, even if nobody
// wants formatted text: a reader who wants it may join in the middle of an answer.
func (l *Live) Payload(e session.Event, wanted bool) []byte {
	switch e.Name {
	case protocol.EventAgent:
		return l.agent(e, wanted)
	case protocol.EventChat:
		if wanted {
			ctx, done := context.WithTimeout(context.Background(), maxLiveWait)
			defer done()
			return l.formatter.chatPayload(ctx, e.UserID, e.Payload)
		}
	case protocol.EventSessionUpdated:
		var u protocol.SessionUpdated
		if protocol.Decode(e.Payload, &u) == nil &&
			(u.Change == protocol.SessionDeleted || u.Change == protocol.SessionReset) {
			l.set(e.SessionKey, nil) // the log ends without an event that ends its run
		}
	}
	return e.Payload
}

func (l *Live) agent(e session.Event, wanted bool) []byte {
	switch {
	case e.Kind == protocol.RunStarted:
		l.set(e.SessionKey, &liveAnswer{runID: e.RunID, owner: e.UserID})
	case e.Kind == protocol.RunChunk:
		if a := l.answer(e); a != nil {
			return a.chunk(e, wanted)
		}
	case e.Kind == protocol.RunThinking:
		if formatted, moved := withoutBlocks(e.Payload); moved {
			if a := l.answer(e); a != nil {
				a.beginAnew()
			}
			if wanted {
				return formatted
			}
		}
	case endsRun(e.Kind):
		if a := l.answer(e); a != nil {
			l.set(e.SessionKey, nil)
			if wanted {
				return endPayload(e.Kind, e.Payload, a.close)
			}
		}
	}
	return e.Payload
}

// Restate makes the next patch of the session's answer resend every block that a
// reader may have rendered from another formatter state. Call it for a reader who
// is about to follow live events, before the log is read for that reader: what is
// in the log by then, the reader has. All readers of the session get the larger
// patch, so nothing happens if this reader may not read the session.
func (l *Live) Restate(sessionKey string, reader session.Caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.bySession[sessionKey]; a != nil &&
		(a.owner == reader.UserID || reader.Role.Allows(protocol.Admin)) {
		a.restate.Store(true)
	}
}

// Len is the number of answers that are being written.
func (l *Live) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.bySession)
}

// set makes a the session's answer; nil: it has none.
func (l *Live) set(sessionKey string, a *liveAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a == nil {
		delete(l.bySession, sessionKey)
		return
	}
	l.bySession[sessionKey] = a
}

// answer is the answer that the event belongs to, or nil if it is not being
// written.
func (l *Live) answer(e session.Event) *liveAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.bySession[e.SessionKey]; a != nil && a.runID == e.RunID {
		return a
	}
	return nil
}

// blocks gives the blocks of the answer of a run, as readers of live events have them
// after the event of that seq. It reports false if the last chunk that was published is
// another one.
func (l *Live) blocks(sessionKey, runID string, seq int64) ([]string, bool) {
	l.mu.Lock()
	a := l.bySession[sessionKey]
	l.mu.Unlock()
	if a == nil || a.runID != runID {
		return nil, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != seq {
		return nil, false
	}
	stream := a.formatterLocked()
	return slices.Concat(a.shown[:stream.Done()], stream.Open()), true
}

// liveAnswer is an answer that is being written. Its text is only collected until
// a reader takes formatted text, and formatted from then on.
type liveAnswer struct {
	runID   string
	owner   string      // the user whose session it is
	restate atomic.Bool // the next patch has to restate all open blocks

	// mu guards the following fields.
	mu     sync.Mutex
	last   int64  // the seq of the last chunk
	text   []byte // what was collected; empty once there is a stream
	stream *format.Stream
	// shown has the blocks that readers have. Only those that are done are kept up to
	// date.
	shown []string
}

// chunk takes a piece of the answer. If formatted text is wanted, the payload
// carries the patch.
func (a *liveAnswer) chunk(event session.Event, wanted bool) []byte {
	var piece protocol.TextPayload
	e, ok := decodeAgent(event.Payload, &piece)
	if !ok {
		return event.Payload
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = event.Seq
	if a.stream == nil && !wanted {
		a.text = append(a.text, piece.Content...)
		return event.Payload
	}
	stream := a.formatterLocked()
	if a.restate.Swap(false) {
		stream.Restate()
	}
	patch := stream.Write(piece.Content)
	a.show(patch)
	if !wanted {
		return event.Payload
	}
	return withPatch(e, &piece, &piece.HTML, patch)
}

// beginAnew forgets the text so far, which turned out to be thinking.
func (a *liveAnswer) beginAnew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.text, a.stream, a.shown = 0, nil, nil, nil
	a.restate.Store(false)
}

// close gives the last patch of the answer.
func (a *liveAnswer) close() format.Patch {
	a.mu.Lock()
	defer a.mu.Unlock()
	stream := a.formatterLocked()
	if a.restate.Swap(false) {
		stream.Restate()
	}
	a.last = 0
	return stream.Close()
}

// formatterLocked is the answer's stream. A new one begins with the text so far, which
// the readers have from the history.
func (a *liveAnswer) formatterLocked() *format.Stream {
	if a.stream == nil {
		a.stream = new(format.Stream)
		a.show(a.stream.Write(string(a.text)))
		a.text = nil
	}
	return a.stream
}

// show applies a patch to the blocks that readers have.
func (a *liveAnswer) show(p format.Patch) { a.shown = append(a.shown[:p.From], p.Blocks...) }
