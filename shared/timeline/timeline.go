package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Event is an event frame of a session. The payload is kept until it is applied.
type Event struct {
	Name    string
	Seq     int64
	Payload jsontext.Raw
}

// Outcome is what became of an event.
type Outcome uint8

// The outcomes.
const (
	Ignored  Outcome = iota // already had, of no session, or of another one
	Applied                 // in the transcript, with all that it released
	Buffered                // held back: see Gap
	Reset                   // the transcript cannot be trusted any more: Load anew
)

// Kind is what a Change is about.
type Kind uint8

// The kinds.
const (
	Added    Kind = iota + 1 // the message is new and stands behind the message After
	Replaced                 // the message as a whole is another, and may stand elsewhere
	Text                     // Text was appended to Content
	Content                  // Content as a whole is another
	Markup                   // HTML was applied to Blocks; without HTML, Blocks were dropped
	Thinking                 // Text was appended to Thinking
	Status                   // Status or Error is another
	Activity                 // Timeline.Activity is another; no message
)

// Change is one step from the transcript before an Apply to the one after it,
// for a view that patches what it shows. The steps come in order.
type Change struct {
	Kind      Kind
	MessageID string
	After     string // of Added: the message before it, empty at the very top
	Text      string
	HTML      *protocol.HTML
}

// Timeline is one session's transcript and place in its log.
type Timeline struct {
	key   string
	epoch string
	seq   int64 // the last event applied
	seen  int64 // the last event known of
	base  int64 // the last event in what was loaded; later ones were applied here
	more  bool
	stale bool
	gone  bool // see Deleted
	held  held

	missed  int64  // the last event that took back a message which is not here
	told    string // epoch, or unnamed, of the log that an event told of since the last history
	refused bool   // and a history of another one was not taken

	messages []*Message
	byID     map[string]*Message
	open     map[string]*Message // streaming answers by run

	activity    *protocol.Activity
	activityRun string
}

// unnamed is an epoch that was not told.
const unnamed = "?"

// New returns the Timeline of a session whose log is empty so far. For any other
// session, Load it.
func New(sessionKey string) *Timeline {
	t := &Timeline{key: sessionKey}
	t.clear()
	return t
}

func (t *Timeline) clear() {
	t.messages = nil
	t.byID = map[string]*Message{}
	t.open = map[string]*Message{}
	t.activity, t.activityRun = nil, ""
}

// Load puts a history in the place of the transcript, the running answer so far
// included. Events after it that were held back apply where they are known to be
// of its log and join on; otherwise Gap tells that they are missing. A history
// older than the transcript changes nothing. It reports false when the transcript
// is still Stale, because the history was read before the log became another one:
// ask again then. One history at a time may be under way.
func (t *Timeline) Load(h protocol.ChatHistoryResult) bool {
	switch {
	case t.told != "" && h.Epoch != t.told && !t.refused:
		t.refused, t.stale = true, true // the next one was asked for after the event, and is right
		return false
	case h.Epoch == t.epoch && !t.stale && h.LastSeq < t.seq:
		return true
	case h.Epoch != t.told && (h.Epoch != t.epoch || t.told != ""):
		t.held.clear() // may be of an earlier log
	}
	t.clear()
	t.epoch, t.seq, t.more, t.stale = h.Epoch, h.LastSeq, h.HasMore, false
	t.seen, t.base = max(t.seen, h.LastSeq), h.LastSeq
	t.told, t.refused, t.missed = "", false, 0
	for i := range h.Messages {
		t.put(readPage(h.Messages[i], h.LastSeq))
	}
	t.sort()
	t.held.dropThrough(h.LastSeq)
	t.release(nil)
	return !t.stale
}

// Resumed takes what became of Cursor on a new connection. Where it is live, the
// missing events come by themselves, and Gap is open until they have; otherwise
// the transcript is Stale.
func (t *Timeline) Resumed(r protocol.ResumedCursor) {
	if r.Status == protocol.ResumeLive && (t.epoch == "" || r.Epoch == t.epoch) {
		t.Tick(r.LastSeq)
		return
	}
	t.giveUp()
	t.seen, t.told, t.refused = 0, r.Epoch, false
}

// Replay applies the answer to chat.replay. More is to be asked for while Gap is
// open; when the gateway does not have the events any more, the transcript is
// Stale.
func (t *Timeline) Replay(r protocol.ChatReplayResult) (Outcome, []Change) {
	if t.stale {
		return Reset, nil
	}
	if r.Reset || t.epoch != "" && r.Epoch != t.epoch {
		return t.giveUp(), nil
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
	// Which corrects what a tick of an earlier log may have told.
	t.seen = max(t.seq, r.LastSeq, t.held.last())
	return Applied, all
}

// Prepend adds the page of older messages that was asked for with Oldest's
// before. Messages may change their places. It reports false, and changes
// nothing, when the page does not join on: the transcript begins elsewhere by
// now or has another epoch, or the page is older than what was loaded or shows a
// message in a state that has passed since. Ask again then.
func (t *Timeline) Prepend(before int64, page protocol.ChatHistoryResult) bool {
	if oldest, _ := t.Oldest(); t.stale || page.Epoch != t.epoch || page.LastSeq < max(t.base, t.missed) || before != oldest {
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
		m := readPage(page.Messages[i], page.LastSeq)
		if m.Seq > t.seq {
			continue
		}
		if had := t.byID[m.ID]; had == nil || had.through <= page.LastSeq {
			t.put(m)
		}
	}
	t.sort()
	return true
}

// Tick notes the session's last seq as the gateway tells it, so that a lost last
// event is noticed: see Gap. It holds until the next replay.
func (t *Timeline) Tick(lastSeq int64) { t.seen = max(t.seen, lastSeq) }

// Gap reports whether events are missing, and the seq after which to ask for
// them. Asking is of no use when the transcript is Stale.
func (t *Timeline) Gap() (after int64, open bool) { return t.seq, !t.stale && t.seen > t.seq }

// Stale reports whether the transcript has to be loaded anew.
func (t *Timeline) Stale() bool { return t.stale }

// Deleted reports whether the transcript is Stale because an event said that the
// session was deleted.
func (t *Timeline) Deleted() bool { return t.stale && t.gone }

// Cursor is where to resume.
func (t *Timeline) Cursor() protocol.Cursor {
	return protocol.Cursor{SessionKey: t.key, Epoch: t.epoch, AfterSeq: t.seq}
}

// Oldest is the seq before which to ask for older messages, and whether there
// are any.
func (t *Timeline) Oldest() (before int64, more bool) {
	if len(t.messages) == 0 {
		return 0, t.more
	}
	return t.messages[0].Seq, t.more
}

// Messages is the transcript in its order. It is valid until the Timeline
// changes and must not be changed.
func (t *Timeline) Messages() []*Message { return t.messages }

// Message is the message of that id, or nil.
func (t *Timeline) Message(id string) *Message { return t.byID[id] }

// Running is the run whose answer is streaming.
func (t *Timeline) Running() (runID string, running bool) {
	var last *Message
	for _, m := range t.open {
		if last == nil || m.Seq > last.Seq {
			last = m
		}
	}
	if last == nil {
		return "", false
	}
	return last.RunID, true
}

// Activity is what the running run is busy with, as far as events told; or nil.
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

// put adds m, or puts it in the place of the message of its id. Call sort after.
func (t *Timeline) put(m *Message) {
	if had := t.byID[m.ID]; had != nil {
		t.messages[t.index(had)] = m
		t.closeAnswer(had)
	} else {
		t.messages = append(t.messages, m)
	}
	t.byID[m.ID] = m
	if m.Role == protocol.FromAssistant && m.Status == protocol.StatusStreaming && m.RunID != "" {
		t.open[m.RunID] = m
	}
}

func (t *Timeline) closeAnswer(m *Message) {
	if t.open[m.RunID] == m {
		delete(t.open, m.RunID)
	}
}

// sort brings the messages into the transcript's order. They nearly are: each
// moves up past those that belong behind it.
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

// before is the id of the message that m stands behind.
func (t *Timeline) before(m *Message) string {
	if i := t.index(m); i > 0 {
		return t.messages[i-1].ID
	}
	return ""
}

// index finds a message that is there.
func (t *Timeline) index(m *Message) int {
	i := len(t.messages) - 1
	for t.messages[i] != m {
		i--
	}
	return i
}
