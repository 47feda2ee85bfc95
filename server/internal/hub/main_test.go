package hub

import (
	"context"
	"encoding/binary"
	"reflect"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// The regular expressions of the formatter have a clock goroutine that ends by
// itself.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// inbox is a connection that keeps the frames sent to it.
type inbox struct {
	mu     sync.Mutex
	frames [][]byte // as Prepared holds them
}

func (i *inbox) Send(p conn.Prepared) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.frames = append(i.frames, reflect.ValueOf(p).Field(0).Bytes())
	return true
}

func (i *inbox) Flushed(context.Context) error { return nil }

func (i *inbox) GiveUp(err error) { panic(err) }

// take gives the frames and removes them.
func (i *inbox) take() [][]byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	frames := i.frames
	i.frames = nil
	return frames
}

// payload is the payload of a server's frame (RFC 6455 §5.2).
func payload(frame []byte) []byte {
	switch n := frame[1]; n {
	case 126:
		return frame[4:][:binary.BigEndian.Uint16(frame[2:])]
	case 127:
		return frame[10:][:binary.BigEndian.Uint64(frame[2:])]
	default:
		return frame[2:][:n]
	}
}

// failer is what *testing.T, *testing.B and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func decodeFrame(t failer, frame []byte) protocol.Frame {
	t.Helper()
	var f protocol.Frame
	if err := protocol.Decode(payload(frame), &f); err != nil {
		t.Fatalf("%v: %.200s", err, payload(frame))
	}
	return f
}

// log makes the events of one session, as package session does, and keeps the answer
// that is being written.
type log struct {
	key, user string
	seq       int64
	answer    protocol.Message
}

func newLog(key, user string) *log { return &log{key: key, user: user} }

func (l *log) event(name, kind, run string, p protocol.Payload) session.Event {
	l.seq++
	return session.Event{SessionKey: l.key, UserID: l.user, Epoch: "e", Seq: l.seq, Name: name,
		Kind: kind, RunID: run, Payload: p.AppendJSON(nil)}
}

func (l *log) agent(kind, run string, p protocol.Payload) session.Event {
	return l.event(protocol.EventAgent, kind, run, &protocol.AgentEvent{
		Type: kind, SessionKey: l.key, AgentID: "demo", RunID: run, UserID: l.user,
		Channel: protocol.ChannelWS, Payload: p.AppendJSON(nil),
	})
}

func (l *log) start(run string) session.Event {
	l.answer = protocol.Message{ID: "answer-" + run, Role: protocol.FromAssistant,
		Status: protocol.StatusStreaming, RunID: run, Seq: l.seq + 1}
	return l.agent(protocol.RunStarted, run, &protocol.RunStartedPayload{MessageID: l.answer.ID})
}

func (l *log) chunk(text string) session.Event {
	l.answer.Content += text
	return l.agent(protocol.RunChunk, l.answer.RunID, &protocol.TextPayload{Content: text})
}

func (l *log) end(kind string) session.Event {
	var p protocol.Payload
	switch kind {
	case protocol.RunCompleted:
		p = &protocol.RunCompletedPayload{MessageID: l.answer.ID, Content: l.answer.Content}
	case protocol.RunFailed:
		p = &protocol.RunFailedPayload{MessageID: l.answer.ID, Error: "It failed.",
			Code: protocol.Internal}
	default:
		p = &protocol.RunCancelledPayload{MessageID: l.answer.ID}
	}
	return l.agent(kind, l.answer.RunID, p)
}

func (l *log) updated(change string) session.Event {
	return l.event(protocol.EventSessionUpdated, "", "",
		&protocol.SessionUpdated{SessionKey: l.key, Change: change})
}

func (l *log) message(role protocol.MessageRole, text string) session.Event {
	return l.event(protocol.EventChat, "", "",
		&protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: l.key, Message: protocol.Message{
			ID: "message", Role: role, Content: text, Status: protocol.StatusComplete, Seq: l.seq + 1,
		}})
}

// history is the transcript with formatted text, as chat.history gives it.
func (l *log) history() protocol.ChatHistoryResult {
	h := protocol.ChatHistoryResult{SessionKey: l.key, Epoch: "e", LastSeq: l.seq}
	if l.answer.ID != "" {
		h.Messages = []protocol.Message{l.answer}
		_ = present.NewFormatter().Messages(context.Background(), "ann", h.Messages)
	}
	return h
}

// reader is a member and what its client shows.
type reader struct {
	inbox
	member *Member
	shown  *timeline.Timeline
}

func newReader(user string, html bool) *reader {
	r := &reader{}
	r.member = &Member{Sender: &r.inbox, UserID: user, HTML: html}
	return r
}

// read applies the frames that were sent since the last call.
func (r *reader) read(t failer) {
	t.Helper()
	for _, frame := range r.take() {
		if n := len(payload(frame)); n > protocol.MaxFrameBytes {
			t.Fatalf("a frame has %d bytes", n)
		}
		f := decodeFrame(t, frame)
		outcome, _ := r.shown.Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload})
		if outcome != timeline.Applied && outcome != timeline.Ignored {
			t.Fatalf("event %d: outcome %d", f.Seq, outcome)
		}
	}
}
