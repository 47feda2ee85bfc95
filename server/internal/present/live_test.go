package present

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func agentEvent(key, runID, kind string, p protocol.Payload) session.Event {
	return session.Event{SessionKey: key, UserID: "ann", Name: protocol.EventAgent, Kind: kind, RunID: runID, Payload: (&protocol.AgentEvent{
		Type: kind, SessionKey: key, RunID: runID, Payload: p.AppendJSON(nil)}).AppendJSON(nil)}
}

func updatedEvent(key, change string) session.Event {
	return session.Event{SessionKey: key, UserID: "ann", Name: protocol.EventSessionUpdated,
		Payload: (&protocol.SessionUpdated{SessionKey: key, Change: change}).AppendJSON(nil)}
}

// However an answer ends, nothing of it is kept.
func TestNothingIsKeptOfAnswersThatEnded(t *testing.T) {
	t.Parallel()
	for _, wanted := range []bool{false, true} {
		for name, end := range map[string]session.Event{
			"completed": agentEvent("k", "r", protocol.RunCompleted, &protocol.RunCompletedPayload{MessageID: "a", Content: "text"}),
			"failed":    agentEvent("k", "r", protocol.RunFailed, &protocol.RunFailedPayload{MessageID: "a", Error: "It failed."}),
			"cancelled": agentEvent("k", "r", protocol.RunCancelled, &protocol.RunCancelledPayload{MessageID: "a"}),
			"reset":     updatedEvent("k", protocol.SessionReset),
			"deleted":   updatedEvent("k", protocol.SessionDeleted),
		} {
			l := NewLive(NewFormatter())
			for _, e := range []session.Event{
				agentEvent("k", "r", protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "a"}),
				agentEvent("other", "s", protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "b"}),
				agentEvent("k", "r", protocol.RunChunk, &protocol.TextPayload{Content: "text"}),
				updatedEvent("k", protocol.SessionPatched),
			} {
				l.Payload(e, wanted)
			}
			if l.Len() != 2 {
				t.Fatalf("%d answers are kept", l.Len())
			}
			l.Payload(end, wanted)
			if l.Len() != 1 || l.bySession["other"] == nil {
				t.Errorf("%s: %d answers are kept", name, l.Len())
			}
		}
	}
}

// Only a reader who may read the session makes its answer be restated.
func TestRestateIsForReadersOfTheSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reader session.Caller
		want   int64 // the first block of the next patch
	}{
		"the owner":  {session.Caller{UserID: "ann", Role: protocol.Viewer}, 0},
		"an admin":   {session.Caller{UserID: "root", Role: protocol.Admin}, 0},
		"a stranger": {session.Caller{UserID: "ben", Role: protocol.Operator}, 1},
	} {
		l := NewLive(NewFormatter())
		l.Payload(agentEvent("k", "r", protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "a"}), true)
		l.Payload(agentEvent("k", "r", protocol.RunChunk, &protocol.TextPayload{Content: "- one\n\n  para"}), true)
		l.Restate("k", c.reader)
		l.Restate("none", c.reader)
		var piece protocol.TextPayload
		if _, ok := decodeAgent(l.Payload(agentEvent("k", "r", protocol.RunChunk, &protocol.TextPayload{}), true), &piece); !ok || piece.HTML == nil {
			t.Fatalf("%s: no patch", name)
		}
		if piece.HTML.From != c.want {
			t.Errorf("%s: the patch begins at block %d, want %d", name, piece.HTML.From, c.want)
		}
	}
}

// When the text so far turns out to be thinking, readers remove their blocks, and the
// answer begins anew with the next chunk. The same holds for replayed events.
func TestTextThatWasThinking(t *testing.T) {
	t.Parallel()
	moved := agentEvent("k", "r", protocol.RunThinking, &protocol.TextPayload{TextWasThinking: true})
	events := []session.Event{
		agentEvent("k", "r", protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "a"}),
		agentEvent("k", "r", protocol.RunChunk, &protocol.TextPayload{Content: "One.\n\nTwo."}),
		agentEvent("k", "r", protocol.RunThinking, &protocol.TextPayload{Content: "Three."}),
		moved,
		agentEvent("k", "r", protocol.RunChunk, &protocol.TextPayload{Content: "Four."}),
	}
	patches := func(payload func(i int) []byte) (list []*protocol.HTML) {
		for i := range events {
			var piece protocol.TextPayload
			if _, ok := decodeAgent(payload(i), &piece); !ok {
				t.Fatalf("event %d cannot be read", i)
			}
			list = append(list, piece.HTML)
		}
		return list
	}
	check := func(name string, list []*protocol.HTML) {
		if list[2] != nil || list[3] == nil || list[3].From != noBlocks {
			t.Errorf("%s: the patches of thinking are %+v and %+v", name, list[2], list[3])
		}
		if last := list[4]; last == nil || last.From != 0 || len(last.Blocks) != 1 ||
			!strings.Contains(last.Blocks[0], "Four.") {
			t.Errorf("%s: the patch of the answer is %+v", name, last)
		}
	}
	l := NewLive(NewFormatter())
	check("live", patches(func(i int) []byte { return l.Payload(events[i], true) }))
	l = NewLive(NewFormatter())
	for _, e := range events[:3] {
		l.Payload(e, false)
	}
	if string(l.Payload(moved, false)) != string(moved.Payload) {
		t.Error("an event that nobody wants formatted was changed")
	}
	part := session.Replay{Session: session.Record{Key: "k", LastSeq: int64(len(events))}}
	for i, e := range events {
		part.Events = append(part.Events, session.StoredEvent{Seq: int64(i + 1), Name: e.Name,
			Kind: e.Kind, RunID: e.RunID, Payload: e.Payload})
	}
	r := NewLive(NewFormatter()).NewReplay(t.Context(), "ann", Log{
		AnswerText: func(string, int64) (string, error) { return "Four.", nil }})
	check("replayed", patches(func(i int) []byte { return r.Payload(part, i) }))
}

func TestMessagesAreFormattedIfTheyFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		role      protocol.MessageRole
		text      string
		formatted bool
	}{
		{protocol.FromSystem, "*note*", true},
		{protocol.FromAssistant, "*answer*", true},
		{protocol.FromUser, "*question*", false},
		{protocol.FromSystem, strings.Repeat("a ", 100<<10), true},
		{protocol.FromSystem, strings.Repeat("- a\n", 30<<10), false},
		{protocol.FromSystem, strings.Repeat("\x01", 80<<10), false}, // 480 KB as JSON
		{protocol.FromSystem, strings.Repeat("<", 256<<10), false},
		{protocol.FromSystem, strings.Repeat("a ", 20<<10) + strings.Repeat("\n", 220<<10), false}, // together over a frame
	} {
		event := protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: "k", Message: protocol.Message{
			ID: "m", Role: c.role, Content: c.text, Status: protocol.StatusComplete, Seq: 1,
		}}
		payload := NewLive(NewFormatter()).Payload(session.Event{SessionKey: "k", Name: protocol.EventChat, Seq: 1, Payload: event.AppendJSON(nil)}, true)
		frame := protocol.AppendEvent(nil, protocol.EventChat, payload, 1)
		var e protocol.ChatEvent
		if err := protocol.Decode(payload, &e); err != nil {
			t.Fatal(err)
		}
		if len(frame) > protocol.MaxFrameBytes || e.Message.Content != c.text || (e.Message.HTML != nil) != c.formatted {
			t.Errorf("%d bytes of %.9q make a frame of %d, formatted: %v", len(c.text), c.text, len(frame), e.Message.HTML != nil)
		}
		if c.formatted && !slices.Equal(e.Message.HTML.Blocks, format.Blocks(c.text)) {
			t.Errorf("formatted as %.99q", e.Message.HTML.Blocks)
		}
	}
}
