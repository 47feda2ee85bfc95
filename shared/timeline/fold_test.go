package timeline

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func agentEvent(seq int64, kind, run, payload string) Event {
	e := protocol.AgentEvent{Type: kind, SessionKey: testKey, RunID: run, Payload: jsontext.Raw(payload)}
	return Event{Name: protocol.EventAgent, Seq: seq, Payload: e.AppendJSON(nil)}
}

func chatEvent(seq int64, m protocol.Message) Event {
	e := protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: testKey, Message: m}
	return Event{Name: protocol.EventChat, Seq: seq, Payload: e.AppendJSON(nil)}
}

func asked(status protocol.MessageStatus) protocol.Message {
	return protocol.Message{ID: "q", Role: protocol.FromUser, Content: "Hi", Status: status, RunID: "r", Seq: 1}
}

// show returns a transcript and its changes as short text.
func show(tl *Timeline) string {
	var b strings.Builder
	for _, m := range tl.Messages() {
		b.WriteString(m.ID + " " + string(m.Role) + " " + string(m.Status) + " " + strconv.Quote(m.Content))
		if m.Thinking != "" {
			b.WriteString(" thinking " + strconv.Quote(m.Thinking))
		}
		if m.Error != "" {
			b.WriteString(" error " + strconv.Quote(m.Error))
		}
		if m.ReplyTo != "" {
			b.WriteString(" re " + m.ReplyTo)
		}
		for _, block := range m.Blocks {
			b.WriteString(" [" + block.HTML + "|" + block.Text + "]")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func kinds(changes []Change) string {
	names := []string{"", "added", "replaced", "text", "content", "markup", "thinking", "status", "activity"}
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(names[c.Kind] + ":" + c.MessageID)
		switch {
		case c.Kind == Added && c.After != "":
			b.WriteString(">" + c.After)
		case c.Kind == Markup && c.HTML == nil:
			b.WriteString("!")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestFold(t *testing.T) {
	t.Parallel()
	queued := chatEvent(1, asked(protocol.StatusQueued))
	started := agentEvent(2, protocol.RunStarted, "r", `{"messageId":"a","userMessageId":"q"}`)
	tests := []struct {
		name    string
		events  []Event
		changes string // of the last event
		want    string
	}{
		{"a message", []Event{queued}, "added:q", "q user queued \"Hi\"\n"},
		{"a message again, changed", []Event{queued, chatEvent(2, protocol.Message{ID: "q", Role: protocol.FromUser,
			Content: "Hi!", Status: protocol.StatusComplete})}, "replaced:q", "q user complete \"Hi!\"\n"},
		{"started", []Event{queued, started}, "status:q added:a>q",
			"q user complete \"Hi\"\na assistant streaming \"\" re q\n"},
		{"started, found by its run, without an id", []Event{queued, agentEvent(2, protocol.RunStarted, "r", `{}`)},
			"status:q added:run:r>q", "q user complete \"Hi\"\nrun:r assistant streaming \"\" re q\n"},
		{"thinking, text", []Event{queued, started, agentEvent(3, protocol.RunThinking, "r", `{"content":"hm"}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"Hel"}`), agentEvent(5, protocol.RunChunk, "r", `{"content":"lo"}`)},
			"text:a", "q user complete \"Hi\"\na assistant streaming \"Hello\" thinking \"hm\" re q\n"},
		{"completed", []Event{queued, started, agentEvent(3, protocol.RunChunk, "r", `{"content":"Hel"}`),
			agentEvent(4, protocol.RunCompleted, "r", `{"messageId":"a","content":"Hello"}`)},
			"content:a status:a", "q user complete \"Hi\"\na assistant complete \"Hello\" re q\n"},
		{"completed as streamed", []Event{queued, started, agentEvent(3, protocol.RunChunk, "r", `{"content":"Hello"}`),
			agentEvent(4, protocol.RunCompleted, "r", `{"messageId":"a","content":"Hello"}`)},
			"status:a", "q user complete \"Hi\"\na assistant complete \"Hello\" re q\n"},
		{"failed", []Event{queued, started, agentEvent(3, protocol.RunChunk, "r", `{"content":"Hel"}`),
			agentEvent(4, protocol.RunFailed, "r", `{"error":"the model is gone","code":"UNAVAILABLE","messageId":"a"}`)},
			"status:a", "q user complete \"Hi\"\na assistant failed \"Hel\" error \"the model is gone\" re q\n"},
		{"failed before it started", []Event{queued,
			agentEvent(2, protocol.RunFailed, "r", `{"error":"no such agent","code":"NOT_FOUND","messageId":"a"}`)},
			"status:q added:a>q status:a", "q user complete \"Hi\"\na assistant failed \"\" error \"no such agent\" re q\n"},
		{"failed twice", []Event{queued, agentEvent(2, protocol.RunFailed, "r", `{"error":"one"}`),
			agentEvent(3, protocol.RunFailed, "r", `{"error":"two"}`)},
			"", "q user complete \"Hi\"\nrun:r assistant failed \"\" error \"one\" re q\n"},
		{"aborted", []Event{queued, started, agentEvent(3, protocol.RunChunk, "r", `{"content":"Hel"}`),
			agentEvent(4, protocol.RunCancelled, "r", `{"messageId":"a"}`)},
			"status:a", "q user complete \"Hi\"\na assistant aborted \"Hel\" re q\n"},
		{"withdrawn", []Event{queued, agentEvent(2, protocol.RunCancelled, "r", `{}`)},
			"status:q", "q user withdrawn \"Hi\"\n"},
		{"withdrawn without having been queued", []Event{chatEvent(1, asked(protocol.StatusComplete)),
			agentEvent(2, protocol.RunCancelled, "r", `{}`)}, "status:q", "q user withdrawn \"Hi\"\n"},
		{"withdrawn after the end", []Event{queued, started, agentEvent(3, protocol.RunCompleted, "r", `{"messageId":"a","content":"Hello"}`),
			agentEvent(4, protocol.RunCancelled, "r", `{}`)},
			"", "q user complete \"Hi\"\na assistant complete \"Hello\" re q\n"},
		{"an empty patch", []Event{queued, started,
			agentEvent(3, protocol.RunChunk, "r", `{"content":"x","html":{"from":0,"blocks":["<p>x</p>","<p>y</p>"]}}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"z","html":{"from":7}}`),
			agentEvent(5, protocol.RunChunk, "r", `{"content":"&","html":{"from":0}}`)}, "text:a markup:a",
			"q user complete \"Hi\"\na assistant streaming \"xz&\" re q [<p>x</p>|] [<p>y</p>|]\n"},
		{"a patch that drops the blocks", []Event{queued, started,
			agentEvent(3, protocol.RunChunk, "r", `{"content":"x","html":{"from":0,"blocks":["<p>x</p>"]}}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"y","html":{"from":-1}}`)}, "text:a markup:a!",
			"q user complete \"Hi\"\na assistant streaming \"xy\" re q\n"},
		{"after the end", []Event{queued, started, agentEvent(3, protocol.RunCancelled, "r", `{"messageId":"a"}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"late"}`)},
			"", "q user complete \"Hi\"\na assistant aborted \"\" re q\n"},
		{"an answer to an earlier message", []Event{queued, started, agentEvent(3, protocol.RunFailed, "r", `{"error":"no","messageId":"a"}`),
			chatEvent(4, protocol.Message{ID: "n", Role: protocol.FromSystem, Content: "note", Status: protocol.StatusComplete, Seq: 4}),
			agentEvent(5, protocol.RunStarted, "r2", `{"messageId":"b","userMessageId":"q"}`)}, "added:b>a",
			"q user complete \"Hi\"\na assistant failed \"\" error \"no\" re q\nb assistant streaming \"\" re q\nn system complete \"note\"\n"},
		{"blocks", []Event{queued, started,
			agentEvent(3, protocol.RunChunk, "r", `{"content":"x\n\ny","html":{"from":0,"blocks":["<p>x</p>","<p>y</p>"]}}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"z","html":{"from":1,"blocks":["<p>yz</p>"]}}`),
			agentEvent(5, protocol.RunChunk, "r", `{"content":"&","html":{"from":0,"append":"&"}}`)},
			"text:a markup:a", "q user complete \"Hi\"\na assistant streaming \"x\\n\\nyz&\" re q [<p>x</p>|] [<p>yz</p>|&]\n"},
		{"text without its formatting", []Event{queued, started,
			agentEvent(3, protocol.RunChunk, "r", `{"content":"x","html":{"from":0,"blocks":["<p>x</p>"]}}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"y"}`)},
			"text:a markup:a", "q user complete \"Hi\"\na assistant streaming \"xy\" re q [<p>x</p>|y]\n"},
		{"formatting that does not fit", []Event{queued, started,
			agentEvent(3, protocol.RunChunk, "r", `{"content":"x","html":{"from":0,"blocks":["<p>x</p>"]}}`),
			agentEvent(4, protocol.RunChunk, "r", `{"content":"y","html":{"from":7,"blocks":["<p>y</p>"]}}`)},
			"text:a markup:a!", "q user complete \"Hi\"\na assistant streaming \"xy\" re q\n"},
		{"activity", []Event{queued, started, agentEvent(3, protocol.RunActivity, "r", `{"phase":"tool","tool":"clock"}`)},
			"activity:", "q user complete \"Hi\"\na assistant streaming \"\" re q\n"},
		{"what is not known", []Event{queued, agentEvent(2, "run.dreamt", "r", `{"odd":[1]}`)}, "", "q user queued \"Hi\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := New(testKey)
			var changes []Change
			for _, e := range tt.events {
				var o Outcome
				if o, changes = tl.Apply(e); o != Applied {
					t.Fatalf("event %d: outcome %d", e.Seq, o)
				}
			}
			if got := show(tl); got != tt.want {
				t.Errorf("transcript:\n%swant:\n%s", got, tt.want)
			}
			if got := kinds(changes); got != tt.changes {
				t.Errorf("changes %q, want %q", got, tt.changes)
			}
		})
	}
}

func TestActivityEndsWithItsRun(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Apply(agentEvent(1, protocol.RunStarted, "r", `{"messageId":"a"}`))
	tl.Apply(agentEvent(2, protocol.RunActivity, "r", `{"phase":"tool","tool":"clock"}`))
	if a := tl.Activity(); a == nil || a.Tool != "clock" {
		t.Fatalf("activity %+v", a)
	}
	if run, ok := tl.Running(); !ok || run != "r" {
		t.Fatalf("running %q", run)
	}
	_, changes := tl.Apply(agentEvent(3, protocol.RunCompleted, "r", `{"messageId":"a","content":"x"}`))
	if tl.Activity() != nil || kinds(changes) != "activity: content:a status:a" {
		t.Fatalf("activity %+v, changes %s", tl.Activity(), kinds(changes))
	}
}

func TestEventsBehindAGapAreBuffered(t *testing.T) {
	t.Parallel()
	g := newGateway("e1", false)
	for range 4 {
		g.say(protocol.FromSystem, protocol.StatusComplete, "", "x")
	}
	tl := New(testKey)
	steps := []struct {
		event   int
		outcome Outcome
		changes int
		after   int64
		open    bool
	}{
		{0, Applied, 0, 1, false},
		{0, Ignored, 0, 1, false},
		{3, Buffered, 0, 1, true},
		{2, Buffered, 0, 1, true},
		{3, Buffered, 0, 1, true},
		{1, Applied, 3, 4, false},
		{4, Applied, 1, 5, false},
	}
	for i, s := range steps {
		o, changes := tl.Apply(g.log[s.event])
		after, open := tl.Gap()
		if o != s.outcome || len(changes) != s.changes || after != s.after || open != s.open {
			t.Fatalf("step %d: outcome %d, %d changes, gap %d %v", i, o, len(changes), after, open)
		}
	}
	tl.Tick(4)
	if _, open := tl.Gap(); open {
		t.Fatal("a tick that tells nothing new opened a gap")
	}
	tl.Tick(6)
	if after, open := tl.Gap(); after != 5 || !open {
		t.Fatalf("a lost last event went unnoticed: gap %d %v", after, open)
	}
	if c := tl.Cursor(); c != (protocol.Cursor{SessionKey: testKey, Epoch: "e1", AfterSeq: 5}) {
		t.Fatalf("cursor %+v", c)
	}
}

func TestEventsOfOtherSessionsAreIgnored(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	other := protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: "other", Message: asked(protocol.StatusQueued)}
	for _, e := range []Event{
		{Name: protocol.EventTick, Payload: jsontext.Raw(`{}`)},
		{Name: protocol.EventChat, Seq: 1, Payload: other.AppendJSON(nil)},
		{Name: protocol.EventChat, Seq: -1, Payload: jsontext.Raw(`{}`)},
	} {
		if o, _ := tl.Apply(e); o != Ignored {
			t.Errorf("%s with seq %d: outcome %d", e.Name, e.Seq, o)
		}
	}
	if after, open := tl.Gap(); after != 0 || open {
		t.Fatalf("gap %d %v", after, open)
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	update := func(seq int64, u protocol.SessionUpdated) Event {
		u.SessionKey = testKey
		return Event{Name: protocol.EventSessionUpdated, Seq: seq, Payload: u.AppendJSON(nil)}
	}
	tests := []struct {
		name  string
		event Event
	}{
		{"another epoch", update(1, protocol.SessionUpdated{Change: protocol.SessionReset, Session: &protocol.Session{Epoch: "e2"}})},
		{"another epoch, early", update(9, protocol.SessionUpdated{Change: protocol.SessionPatched, Session: &protocol.Session{Epoch: "e2"}})},
		{"a reset that does not name its epoch", update(1, protocol.SessionUpdated{Change: protocol.SessionReset})},
		{"deleted", update(0, protocol.SessionUpdated{Change: protocol.SessionDeleted})},
		{"unreadable", Event{Name: protocol.EventChat, Seq: 6, Payload: jsontext.Raw(`{"message":[]}`)}},
		{"unreadable inside", agentEvent(6, protocol.RunChunk, "r", `{"content":7}`)},
		{"too much behind a gap", Event{Name: protocol.EventAgent, Seq: 8,
			Payload: jsontext.Raw(`"` + strings.Repeat("x", MaxBufferedBytes) + `"`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := New(testKey)
			tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 5,
				Messages: []protocol.Message{asked(protocol.StatusComplete)}})
			if o, _ := tl.Apply(tt.event); o != Reset || !tl.Stale() {
				t.Fatalf("outcome %d", o)
			}
			if len(tl.Messages()) != 1 {
				t.Error("what was shown is gone before anything replaces it")
			}
			if o, _ := tl.Apply(chatEvent(6, protocol.Message{ID: "x", Seq: 6})); o != Reset {
				t.Errorf("a stale transcript took an event: %d", o)
			}
			if _, open := tl.Gap(); open {
				t.Error("a stale transcript asks for events")
			}
			h := protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e3", LastSeq: 2}
			if !tl.Load(h) && (!tl.Stale() || !tl.Load(h)) {
				t.Error("a history was refused twice")
			}
			// The event that was not taken may be of this log: that is asked for.
			if after, open := tl.Gap(); tl.Stale() || after != 2 || !open || len(tl.Messages()) != 0 {
				t.Errorf("after loading: stale %v, gap %d %v", tl.Stale(), after, open)
			}
			tl.Replay(protocol.ChatReplayResult{SessionKey: testKey, Epoch: "e3", LastSeq: 2})
			if _, open := tl.Gap(); tl.Stale() || open {
				t.Errorf("after the replay: stale %v, gap %v", tl.Stale(), open)
			}
		})
	}
}

func TestBufferIsBounded(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	seq := int64(2)
	for range MaxBufferedEvents {
		if o, _ := tl.Apply(Event{Name: "odd", Seq: seq}); o != Buffered {
			t.Fatalf("event %d: outcome %d", seq, o)
		}
		seq++
	}
	if o, _ := tl.Apply(Event{Name: "odd", Seq: seq}); o != Reset {
		t.Fatalf("one over the bound: outcome %d", o)
	}
	if len(tl.buffer.events) != 0 || tl.buffer.bytes != 0 {
		t.Fatal("a stale transcript holds events back")
	}
}

func TestLoadIncludesTheStreamingAnswer(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 3})
	early := agentEvent(5, protocol.RunChunk, "r", `{"content":"c","html":{"from":0,"blocks":["<p>abc</p>"]}}`)
	if o, _ := tl.Apply(early); o != Buffered {
		t.Fatalf("outcome %d", o)
	}
	tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 4, HasMore: true, Messages: []protocol.Message{
		asked(protocol.StatusComplete),
		{ID: "a", Role: protocol.FromAssistant, Content: "ab", Status: protocol.StatusStreaming, RunID: "r", Seq: 2, ReplyTo: "q",
			HTML: &protocol.HTML{Blocks: []string{"<p>ab</p>"}}},
	}})
	want := "q user complete \"Hi\"\na assistant streaming \"abc\" re q [<p>abc</p>|]\n"
	if got := show(tl); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
	if before, more := tl.Oldest(); before != 1 || !more {
		t.Fatalf("oldest %d %v", before, more)
	}
	tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 3})
	if got := show(tl); got != want {
		t.Fatal("an older history undid what was applied")
	}
}

// What came before the first history may be of an earlier log: it is asked for
// again.
func TestLoadDropsEventsFromBeforeTheEpochWasKnown(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Apply(chatEvent(5, asked(protocol.StatusComplete)))
	if !tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e2", LastSeq: 4}) || len(tl.Messages()) != 0 {
		t.Fatalf("transcript\n%s", show(tl))
	}
	if after, open := tl.Gap(); after != 4 || !open {
		t.Fatalf("gap %d %v", after, open)
	}
	if o, _ := tl.Replay(protocol.ChatReplayResult{SessionKey: testKey, Epoch: "e2", LastSeq: 4}); o != Applied {
		t.Fatalf("outcome %d", o)
	}
	if _, open := tl.Gap(); open {
		t.Fatal("asks for what the log does not have")
	}
}

func TestPrependRefusesPagesThatDoNotFit(t *testing.T) {
	t.Parallel()
	load := func() *Timeline {
		tl := New(testKey)
		tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 9, HasMore: true,
			Messages: []protocol.Message{{ID: "z", Role: protocol.FromSystem, Status: protocol.StatusComplete, Seq: 9}}})
		tl.Apply(chatEvent(10, protocol.Message{ID: "y", Role: protocol.FromSystem, Status: protocol.StatusComplete, Seq: 10}))
		return tl
	}
	page := func(epoch string, lastSeq int64, status protocol.MessageStatus) protocol.ChatHistoryResult {
		return protocol.ChatHistoryResult{SessionKey: testKey, Epoch: epoch, LastSeq: lastSeq,
			Messages: []protocol.Message{asked(status)}}
	}
	tests := []struct {
		name   string
		before int64
		page   protocol.ChatHistoryResult
		want   bool
	}{
		{"joins on", 9, page("e1", 10, protocol.StatusQueued), true},
		{"joins on, with what has ended", 9, page("e1", 9, protocol.StatusComplete), true},
		{"another epoch", 9, page("e2", 10, protocol.StatusComplete), false},
		{"asked for another place", 8, page("e1", 10, protocol.StatusComplete), false},
		{"older than what was loaded", 9, page("e1", 8, protocol.StatusComplete), false},
		{"shows what may have passed", 9, page("e1", 9, protocol.StatusQueued), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := load()
			if got := tl.Prepend(tt.before, tt.page); got != tt.want {
				t.Fatalf("Prepend %v", got)
			}
			ids := []string{"z", "y"}
			if tt.want {
				ids = []string{"q", "z", "y"}
			}
			if _, more := tl.Oldest(); more == tt.want {
				t.Errorf("more is %v", more)
			}
			if !slices.EqualFunc(tl.Messages(), ids, func(m *Message, id string) bool { return m.ID == id }) {
				t.Errorf("transcript\n%s", show(tl))
			}
		})
	}
}

// A long answer in small pieces must not be copied once a piece.
func TestStreamingDoesNotCopyTheAnswerForEachPiece(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Apply(agentEvent(1, protocol.RunStarted, "r", `{"messageId":"a"}`))
	piece := strings.Repeat("x", 100)
	copies, last := 0, 0
	for seq := int64(2); seq < 2002; seq++ {
		tl.Apply(agentEvent(seq, protocol.RunChunk, "r", `{"content":"`+piece+`"}`))
		if c := tl.Message("a").content.Cap(); c != last {
			copies, last = copies+1, c
		}
	}
	if n := len(tl.Message("a").Content); n != 200_000 {
		t.Fatalf("%d bytes", n)
	}
	if copies > 60 {
		t.Fatalf("the answer was copied %d times", copies)
	}
}

// A run whose answer is on an older page says nothing here when it fails.
func TestRunFailedOnAPageThatIsNotLoaded(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Load(protocol.ChatHistoryResult{SessionKey: testKey, Epoch: "e1", LastSeq: 20, HasMore: true, Messages: []protocol.Message{
		{ID: "m9", Role: protocol.FromUser, Content: "later", Status: protocol.StatusQueued, RunID: "r9", Seq: 19}}})
	tl.Apply(agentEvent(21, protocol.RunFailed, "r1", `{"messageId":"a1","code":"INTERRUPTED","error":"stopped"}`))
	if len(tl.Messages()) != 1 {
		t.Fatalf("transcript\n%s", show(tl))
	}
	if o, _ := tl.Apply(agentEvent(22, protocol.RunFailed, "r9", `{"messageId":"a9","code":"INTERNAL","error":"broken"}`)); o != Applied || len(tl.Messages()) != 2 {
		t.Fatalf("outcome %d, transcript\n%s", o, show(tl))
	}
}
