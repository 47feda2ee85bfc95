package hub

import (
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// answers keeps, for each answer that streams, what formatting it needs. A
// run's events come in order, one at a time.
type answers struct {
	mu    sync.Mutex
	byRun map[string]*answer
}

// answer is formatted only once somebody takes formatted text; until then its
// text is kept, so that formatting can begin at any moment.
type answer struct {
	text   []byte
	stream *format.Stream
}

// take follows the answers through their events and gives the patch that
// belongs to e, if formatted text is wanted.
func (a *answers) take(e session.Event, wanted bool) *protocol.HTML {
	if e.Name != protocol.EventAgent {
		return nil
	}
	var event protocol.AgentEvent
	if protocol.Decode(e.Payload, &event) != nil {
		return nil
	}
	switch event.Type {
	case protocol.RunStarted:
		a.mu.Lock()
		a.byRun[event.RunID] = &answer{}
		a.mu.Unlock()
	case protocol.RunChunk:
		if of := a.of(event.RunID, false); of != nil {
			var piece protocol.TextPayload
			if protocol.Decode(event.Payload, &piece) == nil {
				return of.write(piece.Content, wanted)
			}
		}
	case protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled:
		if of := a.of(event.RunID, true); of != nil && wanted {
			return of.close()
		}
	}
	return nil
}

func (a *answers) of(runID string, last bool) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.byRun[runID]
	if last {
		delete(a.byRun, runID)
	}
	return of
}

func (a *answer) write(text string, wanted bool) *protocol.HTML {
	if a.stream == nil {
		if !wanted {
			a.text = append(a.text, text...)
			return nil
		}
		a.begin()
	}
	return wire(a.stream.Write(text))
}

// begin starts formatting with the text so far, which its followers have had
// from the history.
func (a *answer) begin() {
	a.stream = new(format.Stream)
	a.stream.Write(string(a.text))
	a.text = nil
}

func (a *answer) close() *protocol.HTML {
	if a.stream == nil {
		a.begin()
	}
	return wire(a.stream.Close())
}

func wire(p format.Patch) *protocol.HTML {
	return &protocol.HTML{From: int64(p.From), Blocks: p.Blocks, Append: p.Append}
}

// Message formats a message for a client that takes formatted text, unless that
// would make a frame too large; then the client shows the text.
func Message(m *protocol.Message) {
	if m.Role != protocol.FromAssistant && m.Role != protocol.FromSystem {
		return
	}
	html := &protocol.HTML{Blocks: format.Blocks(m.Content)}
	if len(html.AppendJSON(nil)) <= maxFormatted {
		m.HTML = html
	}
}

// maxFormatted bounds the formatted text in one frame, in bytes.
const maxFormatted = protocol.MaxFrameBytes / 2

// prepareFormatted is the event with its formatted text.
func prepareFormatted(e session.Event, patch *protocol.HTML) conn.Prepared {
	payload := e.Payload
	switch {
	case patch != nil:
		payload = withPatch(e.Payload, patch)
	case e.Name == protocol.EventChat:
		var chat protocol.ChatEvent
		if protocol.Decode(e.Payload, &chat) == nil {
			Message(&chat.Message)
			payload = chat.AppendJSON(nil)
		}
	}
	if len(payload) > protocol.MaxFrameBytes-envelope {
		payload = e.Payload
	}
	return prepare(e.Name, payload, e.Seq)
}

// envelope is what an event's frame adds to its payload at the most, in bytes.
const envelope = 256

// withPatch puts the patch into an agent event's payload.
func withPatch(payload []byte, patch *protocol.HTML) []byte {
	var event protocol.AgentEvent
	if protocol.Decode(payload, &event) != nil {
		return payload
	}
	var inner protocol.Payload
	switch event.Type {
	case protocol.RunChunk:
		inner = &protocol.TextPayload{HTML: patch}
	case protocol.RunCompleted:
		inner = &protocol.RunCompletedPayload{HTML: patch}
	case protocol.RunFailed:
		inner = &protocol.RunFailedPayload{HTML: patch}
	case protocol.RunCancelled:
		inner = &protocol.RunCancelledPayload{HTML: patch}
	default:
		return payload
	}
	if protocol.Decode(event.Payload, inner) != nil {
		return payload
	}
	event.Payload = inner.AppendJSON(nil)
	return event.AppendJSON(nil)
}
