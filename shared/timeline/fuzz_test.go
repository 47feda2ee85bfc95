package timeline

import (
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// FuzzApply feeds events with whatever payload: nothing may panic, and the
// Timeline's own order must hold.
func FuzzApply(f *testing.F) {
	g := newGateway("e1", true)
	g.send("hello")
	g.start(g.runs[0])
	g.think(g.runs[0], "hm")
	g.busy(g.runs[0])
	g.chunk(g.runs[0], "one\ntwo")
	g.end(g.runs[0], protocol.RunCompleted)
	g.send("again")
	g.withdraw(g.runs[1])
	for _, e := range g.log {
		f.Add(uint8(slices.Index(fuzzNames(), e.Name)), int8(1), []byte(e.Payload))
	}
	f.Add(uint8(0), int8(3), []byte(`{"type":"chunk","runId":"r0","payload":{"content":"x","html":{"from":-1}}}`))
	f.Add(uint8(1), int8(-2), []byte(`null`))
	f.Fuzz(func(t *testing.T, name uint8, ahead int8, payload []byte) {
		tl := New(testKey)
		tl.Load(g.history(3, 0, 10))
		events := append([]Event{{Name: fuzzNames()[int(name)%len(fuzzNames())], Seq: tl.seq + int64(ahead), Payload: payload}}, g.log...)
		for _, e := range events {
			before := tl.seq
			outcome, changes := tl.Apply(e)
			if tl.seq < before || outcome == Ignored && len(changes) > 0 || tl.Stale() != (outcome == Reset) && outcome != Ignored {
				t.Fatalf("outcome %d, seq %d → %d, stale %v", outcome, before, tl.seq, tl.Stale())
			}
		}
		checkOrder(t, tl)
	})
}

func fuzzNames() []string {
	return []string{protocol.EventAgent, protocol.EventChat, protocol.EventSessionUpdated, "odd"}
}

func checkOrder(t *testing.T, tl *Timeline) {
	ids := map[string]bool{}
	for i, m := range tl.Messages() {
		if ids[m.ID] || tl.Message(m.ID) != m {
			t.Fatalf("message %q is there twice, or not found", m.ID)
		}
		ids[m.ID] = true
		if i > 0 && tl.messages[i-1].anchor > m.anchor {
			t.Fatal("the transcript is out of order")
		}
	}
	if len(ids) != len(tl.byID) {
		t.Fatalf("%d messages, %d by id", len(ids), len(tl.byID))
	}
	for run, m := range tl.streaming {
		if m.RunID != run || tl.byID[m.ID] != m || m.Status != protocol.StatusStreaming {
			t.Fatalf("run %q has a wrong answer %+v", run, m.Message.Status)
		}
	}
	if len(tl.buffer.events) > MaxBufferedEvents || tl.buffer.bytes > MaxBufferedBytes {
		t.Fatal("too much is buffered")
	}
}
