package present

import (
	"context"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Log reads what a Replay needs of the session's log, beside the events that are
// replayed. An error costs the reader the formatted text of an answer, and nothing else.
type Log struct {
	// AnswerText reads the text of a run's answer up to and with the event of that seq.
	AnswerText func(runID string, through int64) (string, error)
}

// Replay adds formatted text to stored events of one session's log, for one reader. The
// chunks on the way carry an empty patch. The last chunk of the log so far, and the end
// of a run, carry the whole formatted answer: so it does not matter what the reader had
// before, or whether an earlier Replay was cut off. It is not safe for concurrent use.
type Replay struct {
	live *Live
	ctx  context.Context
	user string // the reader
	log  Log

	behind bool // see Behind
}

// NewReplay makes a Replay for a reader. ctx bounds how long texts wait to be formatted.
func (l *Live) NewReplay(ctx context.Context, reader string, log Log) *Replay {
	return &Replay{live: l, ctx: ctx, user: reader, log: log}
}

// Payload is the payload of an event of the part, the one with the index i, with
// formatted text. If the part reaches the end of the log, the reader has the whole
// formatted text of each answer after the part's last event.
func (r *Replay) Payload(part session.Replay, i int) []byte {
	e := part.Events[i]
	switch {
	case e.Name == protocol.EventChat:
		return r.live.formatter.chatPayload(r.ctx, r.user, e.Payload)
	case e.Name != protocol.EventAgent:
		return e.Payload
	case e.Kind == protocol.RunChunk:
		return r.chunk(part, i)
	case e.Kind == protocol.RunThinking:
		formatted, _ := withoutBlocks(e.Payload)
		return formatted
	case endsRun(e.Kind):
		return r.end(e)
	}
	return e.Payload
}

// Behind reports whether the reader's blocks of an open answer are from another formatter
// state than those of the readers of live events.
func (r *Replay) Behind() bool { return r.behind }

func (r *Replay) chunk(part session.Replay, i int) []byte {
	e := part.Events[i]
	var piece protocol.TextPayload
	outer, ok := decodeAgent(e.Payload, &piece)
	if !ok {
		return e.Payload
	}
	var patch format.Patch
	if isLastChunk(part, i) {
		patch = r.answer(part.Session.Key, e)
	}
	return withPatch(outer, &piece, &piece.HTML, patch)
}

// isLastChunk reports whether the log has no more text of the chunk's run, and not its
// end.
func isLastChunk(part session.Replay, i int) bool {
	rest := part.Events[i+1:]
	return part.Events[len(part.Events)-1].Seq == part.Session.LastSeq &&
		!slices.ContainsFunc(rest, func(e session.StoredEvent) bool {
			return e.RunID == part.Events[i].RunID && (e.Kind == protocol.RunChunk || endsRun(e.Kind))
		})
}

// answer is a patch with all blocks of an open answer up to and with the chunk e.
func (r *Replay) answer(sessionKey string, e session.StoredEvent) format.Patch {
	if blocks, ok := r.live.blocks(sessionKey, e.RunID, e.Seq); ok {
		r.behind = false
		return format.Patch{Blocks: blocks}
	}
	r.behind = true
	text, err := r.log.AnswerText(e.RunID, e.Seq)
	if err != nil {
		return format.Patch{From: noBlocks}
	}
	return r.format(&protocol.Message{Content: text, Status: protocol.StatusStreaming})
}

// end adds the patch that brings the answer to its final state.
func (r *Replay) end(e session.StoredEvent) []byte {
	r.behind = false
	// All payloads that end a run have the id of its answer, and maybe the text.
	var ended protocol.RunCompletedPayload
	if _, ok := decodeAgent(e.Payload, &ended); !ok {
		return e.Payload
	}
	m := &protocol.Message{ID: ended.MessageID, Content: ended.Content, Status: protocol.StatusComplete}
	if e.Kind != protocol.RunCompleted {
		m.Content, _ = r.log.AnswerText(e.RunID, e.Seq) // without an answer there is no text
	}
	if m.Content == "" {
		return e.Payload
	}
	return endPayload(e.Kind, e.Payload, func() format.Patch { return r.format(m) })
}

// format is a patch with all blocks of an answer. If the answer cannot be formatted now,
// the reader is left with the plain text.
func (r *Replay) format(m *protocol.Message) format.Patch {
	m.Role = protocol.FromAssistant
	if r.live.formatter.message(r.ctx, r.user, m); m.HTML == nil {
		return format.Patch{From: noBlocks}
	}
	return format.Patch{Blocks: m.HTML.Blocks}
}
