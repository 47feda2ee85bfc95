package timeline

import (
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"pgregory.net/rapid"
)

// drawGateway simulates a session with random events.
func drawGateway(t *rapid.T, epoch string, html bool) *gateway {
	g := newGateway(epoch, html)
	for range rapid.IntRange(0, 40).Draw(t, "commands") {
		g.randomStep(t)
	}
	return g
}

// randomStep does one random action of the session's users, runs and agent.
func (g *gateway) randomStep(t *rapid.T) {
	text := rapid.StringMatching(`[a-zé \n]{1,6}`)
	var queued, running, ended *serverRun
	for _, r := range slices.Backward(g.runs) {
		switch r.state {
		case "queued":
			queued = r
		case "running":
			running = r
		default:
			ended = r
		}
	}
	switch op := rapid.IntRange(0, 13).Draw(t, "command"); {
	case op == 0 || running == nil && queued == nil && ended == nil:
		g.send(text.Draw(t, "text"))
	case op == 1:
		g.say(protocol.FromSystem, protocol.StatusComplete, "", text.Draw(t, "text"))
	case op == 2 && queued != nil:
		g.withdraw(queued)
	case op == 3 && ended != nil && ended.answer != "":
		g.retry(ended)
	case op == 4:
		g.append(protocol.EventSessionUpdated, &protocol.SessionUpdated{SessionKey: testKey, Change: protocol.SessionPatched,
			Session: &protocol.Session{Key: testKey, Epoch: g.epoch}}, nil)
	case running == nil && queued != nil:
		g.start(queued)
	case running == nil:
	case op == 5:
		g.think(running, text.Draw(t, "text"))
	case op == 6:
		g.busy(running)
	case op == 7:
		g.end(running, rapid.SampledFrom([]string{
			protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled}).Draw(t, "end"))
	default:
		g.chunk(running, text.Draw(t, "text"))
	}
}

// wantTranscript fails unless the Timeline shows what the gateway has at seq.
func wantTranscript(t *rapid.T, tl *Timeline, g *gateway, seq int64) {
	want := g.transcript(seq)
	got := tl.Messages()
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i, m := range got {
		w := want[i]
		w.HTML = nil
		if string(m.AppendJSON(nil)) != string(w.AppendJSON(nil)) {
			t.Fatalf("message %d is\n%s\nwant\n%s", i, m.AppendJSON(nil), w.AppendJSON(nil))
		}
		if tl.Message(w.ID) != m {
			t.Fatalf("message %s is not found by its id", w.ID)
		}
	}
}

// wantBlocks fails unless the blocks show the content, or there are none.
func wantBlocks(t *rapid.T, tl *Timeline) {
	for _, m := range tl.Messages() {
		if m.Role != protocol.FromAssistant || len(m.Blocks) == 0 {
			continue
		}
		var got []string
		for _, b := range m.Blocks {
			got = append(got, b.HTML+b.Text)
		}
		if want := blocksOf(m.Content); !slices.Equal(got, want) {
			t.Fatalf("blocks of %q are %q", m.Content, got)
		}
	}
}

func applyChecked(t *rapid.T, tl *Timeline, e Event) Outcome {
	before := tl.seq
	outcome, changes := tl.Apply(e)
	if tl.seq < before {
		t.Fatalf("seq went back from %d to %d", before, tl.seq)
	}
	if outcome == Ignored && len(changes) > 0 {
		t.Fatal("an ignored event changed something")
	}
	for _, c := range changes {
		if c.Kind != Activity && tl.Message(c.MessageID) == nil {
			t.Fatalf("a change of no message: %+v", c)
		}
	}
	return outcome
}

func TestFoldEqualsHistoryAfterEachEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGateway(t, "e1", rapid.Bool().Draw(t, "html"))
		tl := New(testKey)
		for i, e := range g.log {
			if o := applyChecked(t, tl, e); o != Applied {
				t.Fatalf("event %d: outcome %d", e.Seq, o)
			}
			wantTranscript(t, tl, g, int64(i+1))
			wantBlocks(t, tl)
			checkDerived(t, tl)
		}
	})
}

func checkDerived(t *rapid.T, tl *Timeline) {
	queued, running := 0, ""
	for _, m := range tl.Messages() {
		if m.Status == protocol.StatusQueued {
			queued++
		}
		if m.Status == protocol.StatusStreaming {
			running = m.RunID
		}
	}
	run, _ := tl.Running()
	if tl.Queued() != queued || run != running {
		t.Fatalf("queued %d, running %q; want %d, %q", tl.Queued(), run, queued, running)
	}
	if tl.Activity() != nil && run == "" {
		t.Fatal("activity without a run")
	}
}

// A client that sees events in any order, some twice, some never, loads histories
// of any age and pages, and then hears one tick and asks for what it misses, ends
// with the gateway's transcript.
func TestAnyDeliveryConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGateway(t, "e1", rapid.Bool().Draw(t, "html"))
		g.splits = rapid.Bool().Draw(t, "pages part groups")
		head := g.lastSeq()
		tl := New(testKey)
		for range rapid.IntRange(0, 60).Draw(t, "deliveries") {
			deliverSomething(t, tl, g, head)
		}
		settle(t, tl, g)
		wantTranscript(t, tl, g, head)
		wantBlocks(t, tl)
		checkDerived(t, tl)
		if len(tl.buffer.events) != 0 || tl.buffer.bytes != 0 {
			t.Fatal("events are still buffered")
		}
	})
}

func deliverSomething(t *rapid.T, tl *Timeline, g *gateway, head int64) {
	seq := rapid.Int64Range(1, head).Draw(t, "seq")
	switch rapid.IntRange(0, 9).Draw(t, "delivery") {
	case 0:
		tl.Tick(seq)
	case 1:
		tl.Load(g.history(seq, 0, rapid.IntRange(1, 8).Draw(t, "limit")))
	case 2:
		// The page is made after the question, and may arrive much later.
		if before, more := tl.Oldest(); more {
			at := rapid.Int64Range(before, head).Draw(t, "page's age")
			page := g.history(at, before, rapid.IntRange(1, 8).Draw(t, "limit"))
			if rapid.Bool().Draw(t, "late") {
				deliverSomething(t, tl, g, head)
			}
			tl.Prepend(before, page)
		}
	case 3:
		if after, open := tl.Gap(); open {
			for _, e := range g.log[after:min(head, after+seq)] {
				applyChecked(t, tl, e)
			}
		}
	case 4, 5, 6:
		for _, e := range g.log[seq-1 : min(head, seq+5)] {
			applyChecked(t, tl, e)
		}
	default:
		applyChecked(t, tl, g.log[seq-1])
	}
}

// settle acts as a client until nothing is missing.
func settle(t *rapid.T, tl *Timeline, g *gateway) {
	tl.Tick(g.lastSeq())
	if tl.Stale() {
		tl.Load(g.history(g.lastSeq(), 0, 3))
	}
	if after, open := tl.Gap(); open {
		for _, e := range g.log[after:] {
			applyChecked(t, tl, e)
		}
	}
	if _, open := tl.Gap(); open || tl.Stale() {
		t.Fatal("still a gap")
	}
	for range len(g.log) + 1 {
		before, more := tl.Oldest()
		if !more {
			return
		}
		if !tl.Prepend(before, g.history(g.lastSeq(), before, 3)) {
			t.Fatal("a fitting page was refused")
		}
	}
	t.Fatal("no end of older pages")
}

// A session that is reset while events are still under way ends as the new log.
func TestResetConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := drawGateway(t, "e1", false)
		young := drawGateway(t, "e2", false)
		tl := New(testKey)
		tl.Load(old.history(rapid.Int64Range(1, old.lastSeq()).Draw(t, "loaded"), 0, 5))
		for range rapid.IntRange(0, 10).Draw(t, "deliveries") {
			deliverSomething(t, tl, old, old.lastSeq())
		}
		if o := applyChecked(t, tl, young.log[0]); o != Reset || !tl.Stale() {
			t.Fatalf("the reset gave %d", o)
		}
		for range rapid.IntRange(0, 5).Draw(t, "dropped") {
			e := rapid.SampledFrom(young.log).Draw(t, "event")
			if o := applyChecked(t, tl, e); o != Reset {
				t.Fatalf("a stale transcript took an event: %d", o)
			}
		}
		tl.Load(young.history(rapid.Int64Range(1, young.lastSeq()).Draw(t, "loaded"), 0, 5))
		for range rapid.IntRange(0, 10).Draw(t, "deliveries") {
			deliverSomething(t, tl, young, young.lastSeq())
		}
		settle(t, tl, young)
		wantTranscript(t, tl, young, young.lastSeq())
	})
}

// A page shows in the order in which the gateway gave it, also where the message
// that its first answers belong to is on the page before.
func TestPagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGateway(t, "e1", false)
		g.splits = true
		head := g.lastSeq()
		tl := New(testKey)
		page := g.history(head, 0, rapid.IntRange(1, 6).Draw(t, "limit"))
		tl.Load(page)
		for shown := page.Messages; ; {
			var got, want []string
			for _, m := range tl.Messages() {
				got = append(got, m.ID)
			}
			for _, m := range shown {
				want = append(want, m.ID)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("shown are %v, the pages have %v", got, want)
			}
			before, more := tl.Oldest()
			if !more {
				return
			}
			page := g.history(head, before, rapid.IntRange(1, 6).Draw(t, "limit"))
			shown = slices.Concat(page.Messages, shown)
			if !tl.Prepend(before, page) {
				t.Fatal("a fitting page was refused")
			}
		}
	})
}
