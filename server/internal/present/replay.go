package present

import (
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// patchEvery is how much text of one line a Replay gathers before formatting it, in
// bytes. The chunks on the way carry an empty patch. A line end is formatted at once: it
// may finish a block. If this Replay is cut off, the next one assumes that the reader has
// every finished block.
const patchEvery = 2 << 10

// Replay adds formatted text to stored events of one session's log, for one
// reader who has everything before them. It is not safe for concurrent use.
type Replay struct {
	// answerText reads the text of a run's answer up to and with an event.
	answerText func(runID string, through int64) (string, error)
	page       format.Page

	// The answer that is being replayed, as the reader has it.
	runID    string // empty: unknown
	stream   *format.Stream
	blocks   int    // how many blocks the reader has
	gathered []byte // text that was not formatted yet
}

// NewReplay makes a Replay. answerText gives the text of a run's answer up to and
// with the event of that seq; its error costs the reader the formatted text of
// that answer, and nothing else.
func NewReplay(answerText func(runID string, through int64) (string, error)) *Replay {
	return &Replay{answerText: answerText}
}

// Payload is the payload of events[i] with formatted text. It must be called for
// each event in order. last says that the reader gets no event after these from this
// Replay: then the last patch corrects every block that is stale on the reader's screen,
// since no later patch will.
func (r *Replay) Payload(events []session.StoredEvent, i int, last bool) []byte {
	e := events[i]
	switch {
	case e.Name == protocol.EventChat:
		return chatPayload(e.Payload, &r.page)
	case e.Name != protocol.EventAgent:
		return e.Payload
	case e.Kind == protocol.RunStarted:
		r.begin(e.RunID)
	case e.Kind == protocol.RunChunk:
		return r.chunk(e, events[i+1:], last)
	case endsRun(e.Kind):
		return r.end(e)
	}
	return e.Payload
}

// Behind reports whether a block of the answer is some chunks behind on the reader's
// screen.
func (r *Replay) Behind() bool { return r.runID != "" && r.stream.Behind() }

// begin begins an answer of which the reader has nothing.
func (r *Replay) begin(runID string) {
	r.runID, r.stream, r.blocks, r.gathered = runID, r.page.Stream(), 0, r.gathered[:0]
}

// join begins in the middle of an answer: the reader has what was before e, as
// another formatter state has left it. It reports false when the text before e
// cannot be read.
func (r *Replay) join(e session.StoredEvent) (text string, ok bool) {
	r.runID = ""
	text, err := r.answerText(e.RunID, e.Seq-1)
	if err != nil {
		return "", false
	}
	r.begin(e.RunID)
	r.blocks = len(r.stream.Write(text).Blocks)
	r.stream.Restate()
	return text, true
}

func (r *Replay) chunk(e session.StoredEvent, next []session.StoredEvent, last bool) []byte {
	var piece protocol.TextPayload
	outer, ok := decodeAgent(e.Payload, &piece)
	if !ok {
		return e.Payload
	}
	if r.runID != e.RunID {
		if _, ok := r.join(e); !ok {
			return withPatch(outer, &piece, &piece.HTML, format.Patch{From: noBlocks})
		}
	}
	patch := format.Patch{From: r.blocks}
	if len(r.gathered)+len(piece.Content) < patchEvery && !endsLine(piece.Content) &&
		isChunk(next, e.RunID) {
		r.gathered = append(r.gathered, piece.Content...)
	} else {
		patch = r.stream.Write(string(r.gathered) + piece.Content)
		r.gathered = r.gathered[:0]
		if last && r.stream.Behind() && !hasMore(next, e.RunID) {
			patch = r.allBlocks(e)
		}
	}
	if patch.Append == "" {
		r.blocks = patch.From + len(patch.Blocks)
	}
	return withPatch(outer, &piece, &piece.HTML, patch)
}

// allBlocks is a patch with all blocks of the answer up to and with e.
// If the text cannot be read, the reader is left with the plain text.
func (r *Replay) allBlocks(e session.StoredEvent) format.Patch {
	text, err := r.answerText(e.RunID, e.Seq)
	if err != nil {
		r.runID = ""
		return format.Patch{From: noBlocks}
	}
	r.begin(e.RunID)
	return r.stream.Write(text)
}

// end adds the patch that brings the answer to its final state.
func (r *Replay) end(e session.StoredEvent) []byte {
	if r.runID != e.RunID {
		if text, ok := r.join(e); !ok || text == "" { // a run that was withdrawn has no text
			r.runID = ""
			return e.Payload
		}
	}
	r.runID = ""
	return endPayload(e.Kind, e.Payload, r.stream.Close)
}

func endsLine(piece string) bool { return strings.ContainsAny(piece, "\r\n") }

// isChunk reports whether the next event is more text of the run.
func isChunk(next []session.StoredEvent, runID string) bool {
	return len(next) > 0 && next[0].Kind == protocol.RunChunk && next[0].RunID == runID
}

// hasMore reports whether more text of the run follows, or the run's end.
func hasMore(next []session.StoredEvent, runID string) bool {
	return slices.ContainsFunc(next, func(e session.StoredEvent) bool {
		return e.RunID == runID && (e.Kind == protocol.RunChunk || endsRun(e.Kind))
	})
}
