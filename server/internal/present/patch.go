package present

import (
	"bytes"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// noBlocks is the patch that leaves a reader with the plain text alone, until a
// patch comes that begins at the first block.
const noBlocks = -1

// decodeAgent decodes an agent event and the payload inside it.
func decodeAgent(payload []byte, inner protocol.Payload) (*protocol.AgentEvent, bool) {
	e := &protocol.AgentEvent{}
	return e, protocol.Decode(payload, e) == nil && protocol.Decode(e.Payload, inner) == nil
}

func encodeAgent(e *protocol.AgentEvent, inner protocol.Payload) []byte {
	e.Payload = inner.AppendJSON(nil)
	return e.AppendJSON(make([]byte, 0, len(e.Payload)+envelope))
}

// withPatch encodes the event e with the patch in html, which is a field of inner.
// A patch that is too large for a frame is replaced by noBlocks.
func withPatch(e *protocol.AgentEvent, inner protocol.Payload, html **protocol.HTML,
	patch format.Patch) []byte {
	*html = &protocol.HTML{From: int64(patch.From), Blocks: patch.Blocks, Append: patch.Append}
	if formatted := encodeAgent(e, inner); len(formatted) <= maxPayload {
		return formatted
	}
	*html = &protocol.HTML{From: noBlocks}
	return encodeAgent(e, inner)
}

// withoutBlocks is the payload of a thinking event that says that the text before it was
// thinking: with the patch that removes the formatted text. moved is false for other
// thinking events.
func withoutBlocks(payload []byte) (formatted []byte, moved bool) {
	if !bytes.Contains(payload, []byte(`"textWasThinking"`)) {
		return payload, false // without decoding every piece
	}
	var piece protocol.TextPayload
	e, ok := decodeAgent(payload, &piece)
	if !ok || !piece.TextWasThinking {
		return payload, false
	}
	piece.HTML = &protocol.HTML{From: noBlocks}
	return encodeAgent(e, &piece), true
}

// endPayload is the payload of the event that ends a run, with the patch that
// brings the answer to its final state. final is called only if the payload can
// be decoded.
func endPayload(kind string, payload []byte, final func() format.Patch) []byte {
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
	e, ok := decodeAgent(payload, inner)
	if !ok {
		return payload
	}
	return withPatch(e, inner, html, final())
}

// endsRun reports whether an agent event of this type ends its run.
func endsRun(kind string) bool {
	return kind == protocol.RunCompleted || kind == protocol.RunFailed || kind == protocol.RunCancelled
}
