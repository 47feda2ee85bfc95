package chaos

import (
	"fmt"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// need is what a transcript lacks.
type need uint8

const (
	nothing need = iota
	events       // of the log after the cursor
	history      // everything
)

// follow is a session as one client follows it: its transcript, and what the
// connection is held to.
type follow struct {
	key  string
	line *timeline.Timeline

	epoch  string // of the log whose events come
	next   int64  // seq that the connection has to bring next; 0: any
	until  int64  // where the replay ends that connect announced
	asked  bool   // a history or a part of the log is under way
	loaded bool   // there is a transcript, however short

	shown map[string]shown // by message
}

// shown is what a person was shown of a message.
type shown struct {
	content string
	status  protocol.MessageStatus
}

func newFollow(key string) *follow {
	return &follow{key: key, line: timeline.New(key), shown: map[string]shown{}}
}

// connected begins another connection. What connect said of the cursor is nil
// where there was none.
func (f *follow) connected(cursor protocol.Cursor, said *protocol.ResumedCursor) need {
	f.next, f.until, f.asked = 0, 0, false
	if said == nil {
		return history
	}
	f.epoch = said.Epoch
	f.line.Resumed(*said)
	if said.Status != protocol.ResumeLive { // and what comes now may be in the history
		return history
	}
	f.next, f.until = cursor.AfterSeq+1, said.LastSeq
	return nothing
}

// arrive takes an event of the connection, and says what is wrong with its place
// in the order of events and what is needed.
func (f *follow) arrive(h heard, frame protocol.Frame) (faults []string, n need) {
	if h.kind == protocol.SessionReset || h.kind == protocol.SessionCreated { // a log begins
		f.next, f.until = 1, 0
	}
	if h.epoch != "" {
		f.epoch = h.epoch
	}
	if f.next > 0 && frame.Seq > 0 && frame.Seq != f.next {
		faults = append(faults, fmt.Sprintf("the connection brought seq %d (%s) where %d was due", frame.Seq, frame.Event, f.next))
	}
	if frame.Seq > 0 {
		f.next = frame.Seq + 1
	}
	more, n := f.apply(frame)
	return append(faults, more...), n
}

// apply takes an event.
func (f *follow) apply(frame protocol.Frame) ([]string, need) {
	outcome, changes := f.line.Apply(timeline.Event{Name: frame.Event, Seq: frame.Seq, Payload: frame.Payload})
	f.loaded = f.loaded || outcome == timeline.Applied
	faults := f.showChanged(changes)
	switch outcome {
	case timeline.Reset:
		return faults, history
	case timeline.Buffered:
		if !f.loaded {
			return faults, history
		}
		return faults, events
	}
	return faults, nothing
}

// replay takes a part of the log that was asked for.
func (f *follow) replay(r protocol.ChatReplayResult) []string {
	_, changes := f.line.Replay(r)
	return f.showChanged(changes)
}

// load takes a history.
func (f *follow) load(h protocol.ChatHistoryResult) []string {
	was := f.line.Cursor().Epoch
	if !f.line.Load(h) {
		return nil
	}
	if h.Epoch != was { // what is shown of another log counts no more
		clear(f.shown)
	}
	f.epoch, f.loaded = h.Epoch, true
	return f.showAll()
}

func (f *follow) showChanged(changes []timeline.Change) []string {
	var faults []string
	for _, c := range changes {
		if m := f.line.Message(c.MessageID); m != nil {
			faults = append(faults, f.show(m)...)
		}
	}
	return faults
}

func (f *follow) showAll() []string {
	var faults []string
	for _, m := range f.line.Messages() {
		faults = append(faults, f.show(m)...)
	}
	return faults
}

// show holds that text never shrinks and that what has ended stays.
func (f *follow) show(m *timeline.Message) []string {
	was := f.shown[m.ID]
	f.shown[m.ID] = shown{m.Content, m.Status}
	switch {
	case !strings.HasPrefix(m.Content, was.content):
		return []string{fmt.Sprintf("message %s showed %d bytes and now shows others: %q became %q",
			m.ID, len(was.content), tail(was.content), tail(m.Content))}
	case m.Role == protocol.FromAssistant && was.status.Ended() && (m.Status != was.status || m.Content != was.content):
		return []string{fmt.Sprintf("answer %s was %s and changed to %s, %d to %d bytes",
			m.ID, was.status, m.Status, len(was.content), len(m.Content))}
	case m.Role == protocol.FromUser && was.status.Ended() && m.Status == protocol.StatusQueued:
		return []string{fmt.Sprintf("message %s was %s and is queued again", m.ID, was.status)}
	}
	return nil
}

// tail is the end of a text, for people.
func tail(s string) string {
	const length = 40
	if len(s) > length {
		return "…" + s[len(s)-length:]
	}
	return s
}
