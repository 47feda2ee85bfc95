package hub

import (
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// patchEvery is how much text of a line a replay gathers before it formats it, in
// bytes; chunks on the way change nothing of the formatted text. The end of a line
// may finish a block, which the next replay, should this one be cut off, takes for
// told.
const patchEvery = 2 << 10

func endsLine(piece string) bool { return strings.ContainsAny(piece, "\r\n") }

// retelling adds formatted text to a part of a log, for a reader who has what
// was before it. The zero value with said is ready.
type retelling struct {
	// said gives what a run's answer says up to and with an event.
	said func(runID string, through int64) (string, error)
	page format.Page

	// The answer that streams, as the reader has it.
	runID    string // empty: not known
	stream   *format.Stream
	blocks   int    // how many the reader has
	gathered []byte // text that is not in them yet
}

// payload is that of events[i], which must be asked for in order. final says that
// nothing of what follows the last of them can make up for what the reader does
// not show right.
func (r *retelling) payload(events []session.StoredEvent, i int, final bool) []byte {
	e := events[i]
	switch {
	case e.Name == protocol.EventChat:
		return chat(e.Payload, &r.page)
	case e.Name != protocol.EventAgent:
		return e.Payload
	}
	switch e.Kind {
	case protocol.RunStarted:
		r.begin(e.RunID)
	case protocol.RunChunk:
		return r.chunk(e, events[i+1:], final)
	case protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled:
		return r.end(e)
	}
	return e.Payload
}

// begin begins an answer of which the reader has nothing.
func (r *retelling) begin(runID string) {
	r.runID, r.stream, r.blocks, r.gathered = runID, r.page.Stream(), 0, r.gathered[:0]
}

// join begins an answer of which the reader has what was before e, as another
// Stream has left it. It reports false when it cannot be told what that is.
func (r *retelling) join(e session.StoredEvent) (text string, ok bool) {
	r.runID = ""
	text, err := r.said(e.RunID, e.Seq-1)
	if err != nil {
		return "", false
	}
	r.begin(e.RunID)
	r.blocks = len(r.stream.Write(text).Blocks)
	r.stream.Restate()
	return text, true
}

func (r *retelling) chunk(e session.StoredEvent, next []session.StoredEvent, final bool) []byte {
	var piece protocol.TextPayload
	outer, ok := read(e.Payload, &piece)
	if !ok {
		return e.Payload
	}
	if r.runID != e.RunID {
		if _, ok := r.join(e); !ok {
			return patched(outer, &piece, &piece.HTML, format.Patch{From: -1})
		}
	}
	patch := format.Patch{From: r.blocks}
	if len(r.gathered)+len(piece.Content) < patchEvery && !endsLine(piece.Content) && isChunk(next, e.RunID) {
		r.gathered = append(r.gathered, piece.Content...)
	} else {
		patch = r.stream.Write(string(r.gathered) + piece.Content)
		r.gathered = r.gathered[:0]
		if final && r.stream.Behind() && !goesOn(next, e.RunID) {
			patch = r.anew(e)
		}
	}
	if patch.Append == "" {
		r.blocks = patch.From + len(patch.Blocks)
	}
	return patched(outer, &piece, &piece.HTML, patch)
}

// isChunk reports whether more text of the run comes next.
func isChunk(next []session.StoredEvent, runID string) bool {
	return len(next) > 0 && next[0].Kind == protocol.RunChunk && next[0].RunID == runID
}

// goesOn reports whether more text of the run comes, or its end.
func goesOn(next []session.StoredEvent, runID string) bool {
	return slices.ContainsFunc(next, func(e session.StoredEvent) bool {
		return e.RunID == runID && (e.Kind == protocol.RunChunk || ends(e.Kind))
	})
}

func ends(kind string) bool {
	return kind == protocol.RunCompleted || kind == protocol.RunFailed || kind == protocol.RunCancelled
}

// anew is the patch that gives all blocks of the answer up to and with e; where
// its text cannot be had, the one that leaves the reader with the text alone.
func (r *retelling) anew(e session.StoredEvent) format.Patch {
	text, err := r.said(e.RunID, e.Seq)
	if err != nil {
		r.runID = ""
		return format.Patch{From: -1}
	}
	r.begin(e.RunID)
	return r.stream.Write(text)
}

// end adds the patch that brings an answer to its final state.
func (r *retelling) end(e session.StoredEvent) []byte {
	if r.runID != e.RunID {
		if text, ok := r.join(e); !ok || text == "" { // it was taken back, or has said nothing
			r.runID = ""
			return e.Payload
		}
	}
	r.runID = ""
	return ended(e.Kind, e.Payload, r.stream.Close)
}

// behind reports whether the reader shows something of the answer that streams
// as it was before.
func (r *retelling) behind() bool { return r.runID != "" && r.stream.Behind() }
