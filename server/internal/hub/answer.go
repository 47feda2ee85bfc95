package hub

import (
	"sync/atomic"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// answer is a streaming answer. It is formatted only once somebody takes
// formatted text; until then its text is kept.
type answer struct {
	runID  string
	owner  string // the session's
	text   []byte
	stream *format.Stream
	joined atomic.Bool // somebody has, who may show it as another Stream left it
}

// chunk takes a piece of the answer, and adds the patch that it makes.
func (a *answer) chunk(payload []byte, wanted bool) []byte {
	var piece protocol.TextPayload
	e, ok := read(payload, &piece)
	switch {
	case !ok:
		return payload
	case a.stream == nil && !wanted:
		a.text = append(a.text, piece.Content...)
		return payload
	}
	patch := a.begun().Write(piece.Content)
	if !wanted {
		return payload
	}
	return patched(e, &piece, &piece.HTML, patch)
}

// ended is the payload of a run's end with the patch that brings its answer to
// its final state.
func ended(kind string, payload []byte, final func() format.Patch) []byte {
	var inner protocol.Payload
	var html **protocol.HTML
	switch kind {
	case protocol.RunCompleted:
		p := &protocol.RunCompletedPayload{}
		inner, html = p, &p.HTML
	case protocol.RunFailed:
		p := &protocol.RunFailedPayload{}
		inner, html = p, &p.HTML
	default:
		p := &protocol.RunCancelledPayload{}
		inner, html = p, &p.HTML
	}
	e, ok := read(payload, inner)
	if !ok {
		return payload
	}
	return patched(e, inner, html, final())
}

// begun is the answer's stream; it begins with the text so far, which its
// readers have had from the history.
func (a *answer) begun() *format.Stream {
	if a.stream == nil {
		a.stream = new(format.Stream)
		a.stream.Write(string(a.text))
		a.text = nil
	}
	if a.joined.Swap(false) {
		a.stream.Restate()
	}
	return a.stream
}

// patched is the event e with the patch at html, which is a field of inner. One
// that is too large for a frame leaves the readers with the text alone, until
// one comes that begins at the top.
func patched(e *protocol.AgentEvent, inner protocol.Payload, html **protocol.HTML, patch format.Patch) []byte {
	*html = &protocol.HTML{From: int64(patch.From), Blocks: patch.Blocks, Append: patch.Append}
	if formatted := encode(e, inner); len(formatted) <= maxPayload {
		return formatted
	}
	*html = &protocol.HTML{From: -1}
	return encode(e, inner)
}

// read reads an agent event and what it carries.
func read(payload []byte, inner protocol.Payload) (*protocol.AgentEvent, bool) {
	e := &protocol.AgentEvent{}
	return e, protocol.Decode(payload, e) == nil && protocol.Decode(e.Payload, inner) == nil
}

func encode(e *protocol.AgentEvent, inner protocol.Payload) []byte {
	e.Payload = inner.AppendJSON(nil)
	return e.AppendJSON(make([]byte, 0, len(e.Payload)+envelope))
}
