package hub

import (
	"slices"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxFormatted bounds the formatted text of one message, in bytes.
	maxFormatted = protocol.MaxFrameBytes / 2
	// maxPayload bounds an event's payload, so that its frame fits.
	maxPayload = protocol.MaxFrameBytes - envelope
	// envelope is what an event's frame adds to its payload at the most, in bytes.
	envelope = 256
)

// Messages formats messages that are shown together, the newest last, for a
// client that takes formatted text. One that would make a frame too large is left
// as it is; then the client shows the text.
func Messages(list []protocol.Message) {
	var page format.Page
	for i := range slices.Backward(list) { // what is read first is at the end
		message(&list[i], &page)
	}
}

func message(m *protocol.Message, page *format.Page) {
	if m.Role != protocol.FromAssistant && m.Role != protocol.FromSystem {
		return
	}
	html := &protocol.HTML{Blocks: page.Blocks(m.Content)}
	if len(html.AppendJSON(nil)) <= maxFormatted {
		m.HTML = html
	}
}

// answers keeps, for each session in which an answer streams, what formatting it
// needs. A session's events come in order, one at a time.
type answers struct {
	mu        sync.Mutex
	bySession map[string]*answer
}

// payload is the event's payload with formatted text, if that is wanted and
// there is any. Every event passes here, so that formatting can begin at any
// moment.
func (a *answers) payload(e session.Event, wanted bool) []byte {
	switch e.Name {
	case protocol.EventAgent:
		return a.agent(e, wanted)
	case protocol.EventChat:
		if wanted {
			return chat(e.Payload, nil)
		}
	case protocol.EventSessionUpdated:
		var u protocol.SessionUpdated
		if protocol.Decode(e.Payload, &u) == nil && (u.Change == protocol.SessionDeleted || u.Change == protocol.SessionReset) {
			a.set(e.SessionKey, nil) // its run is no more, without an event that ends it
		}
	}
	return e.Payload
}

func chat(payload []byte, page *format.Page) []byte {
	var e protocol.ChatEvent
	if protocol.Decode(payload, &e) != nil {
		return payload
	}
	message(&e.Message, page)
	if e.Message.HTML == nil {
		return payload
	}
	if formatted := e.AppendJSON(make([]byte, 0, 2*len(payload))); len(formatted) <= maxPayload {
		return formatted
	}
	return payload
}

func (a *answers) agent(e session.Event, wanted bool) []byte {
	switch e.Kind {
	case protocol.RunStarted:
		a.set(e.SessionKey, &answer{runID: e.RunID, owner: e.UserID})
	case protocol.RunChunk:
		if of := a.of(e); of != nil {
			return of.chunk(e.Payload, wanted)
		}
	case protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled:
		if of := a.of(e); of != nil {
			a.set(e.SessionKey, nil)
			if wanted {
				return ended(e.Kind, e.Payload, func() format.Patch { return of.begun().Close() })
			}
		}
	}
	return e.Payload
}

// restate lets the next patch of the session's answer make up for what a reader
// shows as another Stream has left it. It goes to a reader who has every event
// that was in the log before the call. All who follow get it, so for a reader who
// may not read the session nothing is done.
func (a *answers) restate(sessionKey string, reader *Member) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of := a.bySession[sessionKey]; of != nil && (of.owner == reader.UserID || reader.Role.Allows(protocol.Admin)) {
		of.joined.Store(true)
	}
}

// set makes of the session's streaming answer, or nil for none.
func (a *answers) set(sessionKey string, of *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of == nil {
		delete(a.bySession, sessionKey)
		return
	}
	a.bySession[sessionKey] = of
}

// of is the answer that the event is about, if it streams.
func (a *answers) of(e session.Event) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of := a.bySession[e.SessionKey]; of != nil && of.runID == e.RunID {
		return of
	}
	return nil
}
