package chaos

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// chunk is an event that adds text to an answer.
func chunk(seq int64, said string) protocol.Frame {
	return protocol.Frame{Event: "agent", Seq: seq, Payload: fmt.Appendf(nil,
		`{"type":"chunk","sessionKey":%q,"runId":"r1","payload":{"content":%q}}`, key, said)}
}

func updated(change, epoch string, seq int64) protocol.Frame {
	return protocol.Frame{Event: "session.updated", Seq: seq, Payload: fmt.Appendf(nil,
		`{"sessionKey":%q,"change":%q,"session":{"key":%q,"epoch":%q}}`, key, change, key, epoch)}
}

// streaming is a history with an unfinished answer, read up to seq 3.
func streaming(said string, status protocol.MessageStatus) protocol.ChatHistoryResult {
	return protocol.ChatHistoryResult{SessionKey: key, Epoch: "e", LastSeq: 3,
		Messages: []protocol.Message{
			{ID: "m1", Role: "user", Content: "hello", Status: "complete", RunID: "r1", Seq: 2},
			{ID: "a1", Role: "assistant", Content: said, Status: status, RunID: "r1", Seq: 3,
				ReplyTo: "m1"},
		}}
}

// TestFollowedSessionFindsFaults begins with a transcript up to seq 3, resumed there on a
// log that is at 5.
func TestFollowedSessionFindsFaults(t *testing.T) {
	t.Parallel()
	replaced := streaming("Good morn", "streaming")
	replaced.LastSeq = 5
	for name, tt := range map[string]struct {
		frames []protocol.Frame
		then   *protocol.ChatHistoryResult
		want   string
		need   need
	}{
		"nothing": {[]protocol.Frame{chunk(4, "ing"), chunk(5, "!"), chunk(6, "!")},
			nil, "", nothing},
		"a reset": {[]protocol.Frame{chunk(4, "ing"), updated("reset", "f", 1),
			updated("patched", "f", 2)}, nil, "", history},
		"another log": {[]protocol.Frame{updated("created", "f", 1)}, nil, "", history},
		"a gap": {[]protocol.Frame{chunk(5, "!")}, nil,
			"brought seq 5 (agent) where 4 was due", events},
		"a gap later": {[]protocol.Frame{chunk(4, "ing"), chunk(5, "!"), chunk(7, "!")},
			nil, "brought seq 7 (agent) where 6 was due", events},
		"a repeat": {[]protocol.Frame{chunk(4, "ing"), chunk(4, "ing")}, nil,
			"brought seq 4 (agent) where 5 was due", nothing},
		"a cursor overlooked": {[]protocol.Frame{chunk(3, "Good even")}, nil,
			"brought seq 3 (agent) where 4 was due", nothing},
		"a log that goes on": {[]protocol.Frame{updated("reset", "f", 4)}, nil,
			"brought seq 4 (session.updated) where 1 was due", history},
		"text that is another": {[]protocol.Frame{chunk(4, "ing")}, &replaced,
			"showed 12 bytes and now shows others", nothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowedSession(key)
			faults := f.load(streaming("Good even", "streaming"))
			if n := f.connected(f.timeline.Cursor(), &protocol.ResumedCursor{SessionKey: key, Status: "live", Epoch: "e", LastSeq: 5}); n != nothing {
				t.Errorf("needs %d at first", n)
			}
			last := nothing
			for _, frame := range tt.frames {
				h, ok := digestEvent(frame)
				if !ok {
					t.Fatalf("%s cannot be read", frame.Payload)
				}
				more, n := f.receive(h, frame)
				faults, last = append(faults, more...), n
			}
			if tt.then != nil {
				faults = append(faults, f.load(*tt.then)...)
			}
			said := strings.Join(faults, "\n")
			if tt.want == "" && said != "" || !strings.Contains(said, tt.want) {
				t.Errorf("found %q, want %q", said, tt.want)
			}
			if last != tt.need {
				t.Errorf("needs %d, want %d", last, tt.need)
			}
		})
	}
}

func TestFollowedSessionFindsChangedAnswers(t *testing.T) {
	t.Parallel()
	f := newFollowedSession(key)
	faults := f.load(streaming("Good", "failed"))
	more := streaming("Good evening", "complete")
	more.LastSeq = 4
	if faults = append(faults, f.load(more)...); len(faults) != 1 || !strings.Contains(faults[0], "was failed and changed to complete") {
		t.Errorf("found %q", faults)
	}
	other := streaming("Bad", "complete") // of another log
	other.Epoch = "f"
	if faults := f.load(other); len(faults) > 0 {
		t.Errorf("found %q in another log", faults)
	}
}

// TestSeenEvents checks that one seq has one event, with or without HTML.
func TestSeenEvents(t *testing.T) {
	t.Parallel()
	sum := func(payload string) uint64 {
		h, ok := digestEvent(protocol.Frame{Event: "agent", Payload: []byte(payload)})
		if !ok {
			t.Fatalf("%s cannot be read", payload)
		}
		return h.sum
	}
	w := &seenEvents{logs: map[string][]uint64{}}
	const said = `{"type":"chunk","sessionKey":"s","runId":"r","payload":{"content":"hello"%s}}`
	plain, html := sum(fmt.Sprintf(said, "")), sum(fmt.Sprintf(said,
		`,"html":{"from":0,"blocks":["<p>hello</p>"]}`))
	other := sum(strings.Replace(fmt.Sprintf(said, ""), "hello", "hallo", 1))
	if !w.record("e", 4, plain) || !w.record("e", 4, html) || !w.record("e", 5, other) || !w.record("f", 4, other) {
		t.Error("the same event is found to be another")
	}
	if w.record("e", 4, other) {
		t.Error("another event is found to be the same")
	}
}
