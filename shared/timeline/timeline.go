package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Event is an event frame of a session. The Timeline keeps the payload until it has applied
// the event.
type Event struct {
	Name    string
	Seq     int64
	Payload jsontext.Raw
}

// Outcome says what Apply did with an event.
type Outcome uint8

// The outcomes.
const (
	Ignored  Outcome = iota // applied before, of no session, or of another session
	Applied                 // applied, together with the buffered events that follow it
	Buffered                // kept until earlier events have arrived: see Gap
	Reset                   // the transcript is Stale: Load it again
)

// Kind is the kind of a Change.
type Kind uint8

// The kinds.
const (
	Added    Kind = iota + 1 // the message is new, and follows the message After
	Replaced                 // the whole message changed, and its place may have changed
	Text                     // Text was appended to Content
	Content                  // all of Content changed
	Markup                   // HTML was applied to Blocks; without HTML, Blocks were removed
	Thinking                 // Text was appended to Thinking
	Status                   // Status or Error changed
	Activity                 // Timeline.Activity changed; no message
)

// Change is one step of what an Apply changed in the transcript. A view applies the steps
// in order to what it shows.
type Change struct {
	Kind      Kind
	MessageID string
	After     string // Added: id of the message before it, empty for the first
	Text      string
	HTML      *protocol.HTML
}

// Timeline is one session's transcript, and how far it has read the session's log.
type Timeline struct {
	key     string
	epoch   string
	more    bool // older messages exist: see Oldest
	stale   bool
	deleted bool // see Deleted

	seq       int64 // the last event applied
	highest   int64 // the last event known to exist
	loadedSeq int64 // the last event in the loaded history; Apply has applied later ones
	buffer    eventBuffer

	// withdrawnSeq is the last event that withdrew a message which is not loaded.
	withdrawnSeq int64

	// announced is the epoch of the new log that an event has announced since the last
	// history; unknownEpoch if the event did not name the epoch, "" if there was no such
	// event. rejected says that a history of another log was rejected since that event.
	announced string
	rejected  bool

	messages  []*Message
	byID      map[string]*Message
	streaming map[string]*Message // answers that are being written, by run

	activity    *protocol.Activity
	activityRun string
}

// unknownEpoch stands for the epoch of a log whose event did not name it.
const unknownEpoch = "?"

// New returns the Timeline of a session with an empty log. For other sessions, call Load.
func New(sessionKey string) *Timeline {
	t := &Timeline{key: sessionKey}
	t.clear()
	return t
}

func (t *Timeline) clear() {
	t.messages = nil
	t.byID = map[string]*Message{}
	t.streaming = map[string]*Message{}
	t.activity, t.activityRun = nil, ""
}

// Load replaces the transcript by a history, which includes the streaming answer so far.
// Buffered events are applied if they follow the history and are known to be of the same
// log; otherwise Gap reports them as missing. A history that is older than the transcript
// changes nothing. Load reports false if the transcript is still Stale, because the history
// was read before the session got a new log: ask again then. Only one history may be
// pending at a time.
func (t *Timeline) Load(h protocol.ChatHistoryResult) bool {
	switch {
	case t.announced != "" && h.Epoch != t.announced && !t.rejected:
		t.rejected, t.stale = true, true // the next history is newer than the event, so it is accepted
		return false
	case h.Epoch == t.epoch && !t.stale && h.LastSeq < t.seq:
		return true
	case h.Epoch != t.announced && (h.Epoch != t.epoch || t.announced != ""):
		t.buffer.clear() // it may have events of an earlier log
	}
	t.clear()
	t.epoch, t.seq, t.more, t.stale = h.Epoch, h.LastSeq, h.HasMore, false
	t.highest, t.loadedSeq = max(t.highest, h.LastSeq), h.LastSeq
	t.announced, t.rejected, t.withdrawnSeq = "", false, 0
	for i := range h.Messages {
		t.put(newPageMessage(h.Messages[i], h.LastSeq))
	}
	t.sort()
	if run, running := t.Running(); running && h.Activity != nil {
		t.activity, t.activityRun = h.Activity, run
	}
	t.buffer.dropThrough(h.LastSeq)
	t.release(nil)
	return !t.stale
}

// Resumed handles the gateway's answer to Cursor on a new connection. If the status is live,
// the gateway sends the missing events, and Gap is open until they have arrived. Otherwise
// the transcript is Stale.
func (t *Timeline) Resumed(r protocol.ResumedCursor) {
	if r.Status == protocol.ResumeLive && (t.epoch == "" || r.Epoch == t.epoch) {
		t.Tick(r.LastSeq)
		return
	}
	t.markStale()
	t.highest, t.announced, t.rejected = 0, r.Epoch, false
}

// Replay applies the answer to chat.replay. While Gap is still open, there is more to ask
// for. If the gateway no longer has the events, the transcript is Stale.
func (t *Timeline) Replay(r protocol.ChatReplayResult) (Outcome, []Change) {
	if t.stale {
		return Reset, nil
	}
	if r.Reset || t.epoch != "" && r.Epoch != t.epoch {
		return t.markStale(), nil
	}
	var all []Change
	for i := range r.Events {
		e := &r.Events[i]
		outcome, changes := t.Apply(Event{Name: e.Event, Seq: e.Seq, Payload: e.Payload})
		all = append(all, changes...)
		if outcome == Reset {
			return Reset, all
		}
	}
	// Corrects a seq that a tick of an earlier log may have set.
	t.highest = max(t.seq, r.LastSeq, t.buffer.last())
	return Applied, all
}

// Prepend adds a page of older messages that was asked for with Oldest's before. Messages
// may change their places. Prepend reports false and changes nothing if the page does not
// fit: because the transcript now begins elsewhere or has another epoch, or because the
// page is older than the loaded history or has a message in an outdated state. Then ask
// again.
func (t *Timeline) Prepend(before int64, page protocol.ChatHistoryResult) bool {
	outdated := page.LastSeq < max(t.loadedSeq, t.withdrawnSeq)
	if oldest, _ := t.Oldest(); t.stale || page.Epoch != t.epoch || outdated || before != oldest {
		return false
	}
	if page.LastSeq < t.seq {
		for i := range page.Messages {
			if !page.Messages[i].Status.Ended() {
				return false
			}
		}
	}
	t.more = page.HasMore
	for i := range page.Messages {
		m := newPageMessage(page.Messages[i], page.LastSeq)
		if m.Seq > t.seq {
			continue
		}
		if old := t.byID[m.ID]; old == nil || old.through <= page.LastSeq {
			t.put(m)
		}
	}
	t.sort()
	return true
}

// Tick notes the session's last seq, as the gateway reports it, so that Gap opens even if
// the last event was lost. A replay corrects it.
func (t *Timeline) Tick(lastSeq int64) { t.highest = max(t.highest, lastSeq) }

// Gap reports whether events are missing, and the seq after which to ask for them. It is
// closed while the transcript is Stale.
func (t *Timeline) Gap() (after int64, open bool) { return t.seq, !t.stale && t.highest > t.seq }

// Stale reports whether the transcript has to be loaded again.
func (t *Timeline) Stale() bool { return t.stale }

// Deleted reports whether the transcript is Stale because an event said that the
// session was deleted.
func (t *Timeline) Deleted() bool { return t.stale && t.deleted }

// Cursor returns where to resume the log.
func (t *Timeline) Cursor() protocol.Cursor {
	return protocol.Cursor{SessionKey: t.key, Epoch: t.epoch, AfterSeq: t.seq}
}

// Oldest returns the seq before which to ask for older messages, and whether there are
// any.
func (t *Timeline) Oldest() (before int64, more bool) {
	if len(t.messages) == 0 {
		return 0, t.more
	}
	return t.messages[0].Seq, t.more
}

// Messages returns the transcript in order. The slice is valid until the Timeline changes.
// Callers must not change it.
func (t *Timeline) Messages() []*Message { return t.messages }

// Message returns the message with that id, or nil.
func (t *Timeline) Message(id string) *Message { return t.byID[id] }

// Running returns the run whose answer is streaming.
func (t *Timeline) Running() (runID string, running bool) {
	var last *Message
	for _, m := range t.streaming {
		if last == nil || m.Seq > last.Seq {
			last = m
		}
	}
	if last == nil {
		return "", false
	}
	return last.RunID, true
}

// Activity returns what the active run is doing, if an event said so, or nil.
func (t *Timeline) Activity() *protocol.Activity { return t.activity }

// Queued counts the user messages whose runs have not begun.
func (t *Timeline) Queued() int {
	n := 0
	for _, m := range t.messages {
		if m.Role == protocol.FromUser && m.Status == protocol.StatusQueued {
			n++
		}
	}
	return n
}

// put adds m, or replaces the message with the same id. The caller calls sort afterwards.
func (t *Timeline) put(m *Message) {
	if old := t.byID[m.ID]; old != nil {
		t.messages[t.index(old)] = m
		t.closeAnswer(old)
	} else {
		t.messages = append(t.messages, m)
	}
	t.byID[m.ID] = m
	if m.Role == protocol.FromAssistant && m.Status == protocol.StatusStreaming && m.RunID != "" {
		t.streaming[m.RunID] = m
	}
}

func (t *Timeline) closeAnswer(m *Message) {
	if t.streaming[m.RunID] == m {
		delete(t.streaming, m.RunID)
	}
}

// sort puts the messages into the transcript's order by insertion, since they are nearly
// sorted.
func (t *Timeline) sort() {
	for i, m := range t.messages {
		if q := t.byID[m.ReplyTo]; q != nil && q.Role == protocol.FromUser && q.Seq < m.Seq {
			m.anchor = q.Seq
		}
		for ; i > 0 && m.isBefore(t.messages[i-1]); i-- {
			t.messages[i] = t.messages[i-1]
		}
		t.messages[i] = m
	}
}

// before returns the id of the message before m, or "".
func (t *Timeline) before(m *Message) string {
	if i := t.index(m); i > 0 {
		return t.messages[i-1].ID
	}
	return ""
}

// index returns the index of a message of the transcript.
func (t *Timeline) index(m *Message) int {
	i := len(t.messages) - 1
	for t.messages[i] != m {
		i--
	}
	return i
}
