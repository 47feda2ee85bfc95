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
	events       // those after the cursor
	history      // the transcript from the start
)

// followedSession is a session as one client follows it: its transcript, and what the
// connection has to bring.
type followedSession struct {
	key      string
	timeline *timeline.Timeline

	epoch     string // of the log that the events belong to
	next      int64  // seq of the connection's next event; 0: any
	replayEnd int64  // last seq of the replay that connect announced
	fetching  bool   // a request for history or events is under way
	loaded    bool   // the transcript has been loaded

	shown map[string]shown // by message id
}

// shown is what the client last showed of a message.
type shown struct {
	content string
	status  protocol.MessageStatus
}

func newFollowedSession(key string) *followedSession {
	return &followedSession{key: key, timeline: timeline.New(key), shown: map[string]shown{}}
}

// connected begins another connection. resumed is connect's answer to the cursor; nil
// when there was no cursor.
func (f *followedSession) connected(cursor protocol.Cursor, resumed *protocol.ResumedCursor) need {
	f.next, f.replayEnd, f.fetching = 0, 0, false
	if resumed == nil {
		return history
	}
	f.epoch = resumed.Epoch
	f.timeline.Resumed(*resumed)
	if resumed.Status != protocol.ResumeLive { // and the history may contain the events that come now
		return history
	}
	f.next, f.replayEnd = cursor.AfterSeq+1, resumed.LastSeq
	return nothing
}

// receive takes an event of the connection. It returns what is wrong with the event's
// place in the order, and what the transcript needs.
func (f *followedSession) receive(h eventDigest, frame protocol.Frame) (faults []string, n need) {
	if h.kind == protocol.SessionReset || h.kind == protocol.SessionCreated { // a log begins
		f.next, f.replayEnd = 1, 0
	}
	if h.epoch != "" {
		f.epoch = h.epoch
	}
	if f.next > 0 && frame.Seq > 0 && frame.Seq != f.next {
		faults = append(faults, fmt.Sprintf("the connection brought seq %d (%s) where %d was due",
			frame.Seq, frame.Event, f.next))
	}
	if frame.Seq > 0 {
		f.next = frame.Seq + 1
	}
	more, n := f.apply(frame)
	return append(faults, more...), n
}

// apply takes an event.
func (f *followedSession) apply(frame protocol.Frame) ([]string, need) {
	outcome, changes := f.timeline.Apply(timeline.Event{Name: frame.Event, Seq: frame.Seq,
		Payload: frame.Payload})
	f.loaded = f.loaded || outcome == timeline.Applied
	faults := f.checkChanged(changes)
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

// replay takes events that were requested.
func (f *followedSession) replay(r protocol.ChatReplayResult) []string {
	_, changes := f.timeline.Replay(r)
	return f.checkChanged(changes)
}

// load takes a history.
func (f *followedSession) load(h protocol.ChatHistoryResult) []string {
	was := f.timeline.Cursor().Epoch
	if !f.timeline.Load(h) {
		return nil
	}
	if h.Epoch != was { // what was shown of another log may change
		clear(f.shown)
	}
	f.epoch, f.loaded = h.Epoch, true
	return f.checkAllShown()
}

func (f *followedSession) checkChanged(changes []timeline.Change) []string {
	var faults []string
	for _, c := range changes {
		if m := f.timeline.Message(c.MessageID); m != nil {
			faults = append(faults, f.checkShown(m)...)
		}
	}
	return faults
}

func (f *followedSession) checkAllShown() []string {
	var faults []string
	for _, m := range f.timeline.Messages() {
		faults = append(faults, f.checkShown(m)...)
	}
	return faults
}

// checkShown checks that text never shrinks and that ended answers stay as they are.
func (f *followedSession) checkShown(m *timeline.Message) []string {
	was := f.shown[m.ID]
	f.shown[m.ID] = shown{m.Content, m.Status}
	switch {
	case !strings.HasPrefix(m.Content, was.content):
		return []string{fmt.Sprintf("message %s showed %d bytes and now shows others: %q became %q",
			m.ID, len(was.content), tail(was.content), tail(m.Content))}
	case m.Role == protocol.FromAssistant && was.status.Ended() &&
		(m.Status != was.status || m.Content != was.content):
		return []string{fmt.Sprintf("answer %s was %s and changed to %s, %d to %d bytes",
			m.ID, was.status, m.Status, len(was.content), len(m.Content))}
	case m.Role == protocol.FromUser && was.status.Ended() && m.Status == protocol.StatusQueued:
		return []string{fmt.Sprintf("message %s was %s and is queued again", m.ID, was.status)}
	}
	return nil
}

// tail returns the end of a text, for a report.
func tail(s string) string {
	const length = 40
	if len(s) > length {
		return "…" + s[len(s)-length:]
	}
	return s
}
