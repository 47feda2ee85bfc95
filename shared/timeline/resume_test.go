package timeline

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func note(seq int64, text string) protocol.Message {
	return protocol.Message{ID: "n" + text, Role: protocol.FromSystem, Content: text, Status: protocol.StatusComplete, Seq: seq}
}

func updated(seq int64, change, epoch string) Event {
	u := protocol.SessionUpdated{SessionKey: testKey, Change: change}
	if epoch != "" {
		u.Session = &protocol.Session{Key: testKey, Epoch: epoch}
	}
	return Event{Name: protocol.EventSessionUpdated, Seq: seq, Payload: u.AppendJSON(nil)}
}

func historyOf(epoch string, lastSeq int64, messages ...protocol.Message) protocol.ChatHistoryResult {
	return protocol.ChatHistoryResult{SessionKey: testKey, Epoch: epoch, LastSeq: lastSeq, Messages: messages}
}

func replayOf(epoch string, lastSeq int64, events ...Event) protocol.ChatReplayResult {
	r := protocol.ChatReplayResult{SessionKey: testKey, Epoch: epoch, LastSeq: lastSeq}
	for _, e := range events {
		r.Events = append(r.Events, protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Seq: e.Seq, Payload: e.Payload})
	}
	return r
}

// following returns a Timeline at event 5 of log e1.
func following() *Timeline {
	tl := New(testKey)
	tl.Load(historyOf("e1", 5, note(5, "a")))
	return tl
}

func TestResumed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		r          protocol.ResumedCursor
		stale, gap bool
	}{
		{"nothing happened", protocol.ResumedCursor{Status: protocol.ResumeLive, Epoch: "e1", LastSeq: 5}, false, false},
		{"events follow", protocol.ResumedCursor{Status: protocol.ResumeLive, Epoch: "e1", LastSeq: 7}, false, true},
		{"compacted away", protocol.ResumedCursor{Status: protocol.ResumeReset, Epoch: "e1", LastSeq: 9}, true, false},
		{"another log", protocol.ResumedCursor{Status: protocol.ResumeReset, Epoch: "e2", LastSeq: 9}, true, false},
		{"live in another log", protocol.ResumedCursor{Status: protocol.ResumeLive, Epoch: "e2", LastSeq: 9}, true, false},
		{"gone", protocol.ResumedCursor{Status: protocol.ResumeGone}, true, false},
		{"a word of the future", protocol.ResumedCursor{Status: "odd", Epoch: "e1", LastSeq: 5}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := following()
			tl.Resumed(tt.r)
			if _, gap := tl.Gap(); tl.Stale() != tt.stale || gap != tt.gap {
				t.Errorf("stale %v, gap %v", tl.Stale(), gap)
			}
			if len(tl.Messages()) != 1 {
				t.Error("what was shown is gone before anything replaces it")
			}
		})
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	six, seven := chatEvent(6, note(6, "b")), chatEvent(7, note(7, "c"))
	reset := replayOf("e1", 9)
	reset.Reset = true
	tests := []struct {
		name    string
		r       protocol.ChatReplayResult
		outcome Outcome
		changes string
		gap     bool
	}{
		{"all that is missing", replayOf("e1", 7, six, seven), Applied, "added:nb>na added:nc>nb", false},
		{"a page of it", replayOf("e1", 7, six), Applied, "added:nb>na", true},
		{"with what is here already", replayOf("e1", 6, chatEvent(5, note(5, "a")), six), Applied, "added:nb>na", false},
		{"nothing, so that the tick was wrong", replayOf("e1", 5), Applied, "", false},
		{"not to be had", reset, Reset, "", false},
		{"of another log", replayOf("e2", 7, six), Reset, "", false},
		{"unreadable", replayOf("e1", 7, six, Event{Name: protocol.EventChat, Seq: 7, Payload: []byte(`7`)}), Reset, "added:nb>na", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tl := following()
			tl.Tick(7)
			outcome, changes := tl.Replay(tt.r)
			if outcome != tt.outcome || tl.Stale() != (outcome == Reset) || kinds(changes) != tt.changes {
				t.Errorf("outcome %d, stale %v, changes %q", outcome, tl.Stale(), kinds(changes))
			}
			if _, gap := tl.Gap(); gap != tt.gap {
				t.Errorf("gap %v", gap)
			}
		})
	}
	t.Run("on a stale transcript", func(t *testing.T) {
		t.Parallel()
		tl := following()
		tl.Apply(updated(1, protocol.SessionReset, "e2"))
		tl.Apply(chatEvent(2, note(2, "x")))
		if o, _ := tl.Replay(replayOf("e1", 7, six)); o != Reset {
			t.Errorf("outcome %d", o)
		}
		if !tl.Load(historyOf("e2", 1)) || tl.Message("nx") == nil {
			t.Error("what was heard of the new log is lost")
		}
	})
}

// A history that was read before the session was reset, and comes after the event
// of it, must not bring the old log back.
func TestHistoryOfAnEarlierLog(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Event{
		"reset":                          updated(1, protocol.SessionReset, "e2"),
		"reset, without the new epoch":   updated(1, protocol.SessionReset, ""),
		"deleted":                        updated(0, protocol.SessionDeleted, ""),
		"made anew, and followed so far": updated(1, protocol.SessionCreated, "e2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tl := following()
			if name == "made anew, and followed so far" {
				tl = New(testKey)
			} else if name == "reset, without the new epoch" {
				tl.epoch = ""
			}
			tl.Apply(e)
			if tl.Load(historyOf("e1", 5, note(5, "a"))) || !tl.Stale() {
				t.Fatal("the old log is back")
			}
			tl.Apply(chatEvent(2, note(2, "x")))
			if !tl.Load(historyOf("e2", 2, note(2, "x"))) || tl.Message("nx") == nil || tl.Message("na") != nil {
				t.Fatalf("transcript\n%s", show(tl))
			}
			if _, gap := tl.Gap(); gap || tl.Cursor().Epoch != "e2" {
				t.Fatalf("gap %v at %+v", gap, tl.Cursor())
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		tl := following()
		tl.Apply(updated(1, protocol.SessionReset, "e2"))
		tl.Load(historyOf("e1", 5))
		if !tl.Load(historyOf("e1", 6, note(6, "b"))) || tl.Cursor().AfterSeq != 6 {
			t.Fatal("a log that was restored is never taken")
		}
	})
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	tl := following()
	if tl.Deleted() {
		t.Error("deleted at the start")
	}
	tl.Apply(updated(0, protocol.SessionDeleted, ""))
	if !tl.Deleted() || !tl.Stale() {
		t.Error("not deleted")
	}
	tl.Apply(updated(1, protocol.SessionCreated, "e2"))
	if tl.Deleted() || !tl.Stale() {
		t.Error("still deleted, though there is another log")
	}
	if !tl.Load(historyOf("e2", 1)) || tl.Deleted() {
		t.Error("deleted, though it was loaded")
	}
	tl.Apply(updated(0, protocol.SessionDeleted, ""))
	tl.Load(historyOf("e2", 1)) // read before it was deleted
	tl.Load(historyOf("e2", 1)) // it was restored
	tl.Resumed(protocol.ResumedCursor{SessionKey: testKey, Status: protocol.ResumeReset, Epoch: "e3"})
	if tl.Deleted() || !tl.Stale() {
		t.Error("deleted, though it was reset")
	}
}

// The first event of a log, on one connection, comes after all of the log before.
func TestFirstEventEndsTheEarlierLog(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	tl.Apply(chatEvent(2, note(2, "old")))
	if o, _ := tl.Apply(updated(1, protocol.SessionReset, "e2")); o != Applied || len(tl.Messages()) != 0 {
		t.Fatalf("outcome %d, transcript\n%s", o, show(tl))
	}
	if after, open := tl.Gap(); after != 1 || !open {
		t.Fatalf("gap %d %v: what the log has there is not asked for", after, open)
	}
}

// A message that is sent again, because its answer is retried, may be of
// a page that is not here: shown now, it would hide the pages between.
func TestOldMessageIsSentAgain(t *testing.T) {
	t.Parallel()
	old := asked(protocol.StatusComplete)
	again := chatEvent(10, old)
	started := agentEvent(11, protocol.RunStarted, "r2", `{"messageId":"a2","userMessageId":"q"}`)
	tl := New(testKey)
	h := historyOf("e1", 9, note(9, "z"))
	h.HasMore = true
	tl.Load(h)
	tl.Apply(again)
	tl.Apply(started)
	if before, more := tl.Oldest(); before != 9 || !more || tl.Message("q") != nil {
		t.Fatalf("oldest %d %v, transcript\n%s", before, more, show(tl))
	}
	if !tl.Prepend(9, historyOf("e1", 11, old, protocol.Message{ID: "a", Role: protocol.FromAssistant,
		Status: protocol.StatusFailed, Seq: 2, RunID: "r", ReplyTo: "q"})) {
		t.Fatal("the page does not join on")
	}
	want := "q user complete \"Hi\"\na assistant failed \"\" re q\na2 assistant streaming \"\" re q\nnz system complete \"z\"\n"
	if got := show(tl); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

// A page that was read before one of its messages was taken back is too old.
func TestPageFromBeforeAWithdrawal(t *testing.T) {
	t.Parallel()
	tl := New(testKey)
	h := historyOf("e1", 9, note(9, "z"))
	h.HasMore = true
	tl.Load(h)
	tl.Apply(agentEvent(10, protocol.RunCancelled, "r", `{}`))
	page := func(lastSeq int64, s protocol.MessageStatus) protocol.ChatHistoryResult {
		return historyOf("e1", lastSeq, asked(s))
	}
	if tl.Prepend(9, page(9, protocol.StatusComplete)) {
		t.Fatal("a page was taken that does not know of it")
	}
	if !tl.Prepend(9, page(10, protocol.StatusWithdrawn)) {
		t.Fatal("a page was refused that knows of it")
	}
}
