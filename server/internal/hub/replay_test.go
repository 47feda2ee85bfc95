package hub

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/present/presenttest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// item is the nth item of a list. The list stays open until another block follows.
func item(n int) string {
	return fmt.Sprintf("- item %d of %s\n", n, strings.Repeat("a long list ", 7))
}

// shows reports whether the browser shows item n of the list.
func (b *browser) shows(key string, n int) bool {
	for _, m := range b.known[key].Messages() {
		for _, block := range m.Blocks {
			if strings.Contains(block.HTML, fmt.Sprintf("item %d of", n)) {
				return true
			}
		}
	}
	return false
}

// A large block that is still open may be shown as it was some chunks before. A
// reader who is cut off then, and resumes when the block is finished, shows all of
// it.
func TestResumeBehindAnOpenBlock(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.send(t, ann, "k", "question")
	b := h.browser(ann, true)
	b.load(t, "k")
	b.connect(t)
	run := h.begin(t, "k")
	n := 0
	for ; n < 100 || b.shows("k", n-1); n++ {
		h.say(t, run, item(n))
		b.read(t, 100)
	}
	b.lose()
	h.say(t, run, "\n\n", "And so on.")
	b.connect(t)
	b.catchUp(t)
	if !b.shows("k", n-1) {
		t.Error("the end of the list is not shown")
	}
	h.finish(t, run, session.RunCompleted)
	b.catchUp(t)
	b.same(t, "k")
	b.lose()
	h.Wait()
}

// A replay ends with the whole answer so far. If it is cut off right before that, the
// reader's blocks are behind. Either reader, changing over to live events, shows the whole
// block in the end.
func TestReplayIntoAnOpenBlock(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprint("cut=", cut), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.send(t, ann, "k", "question")
			live, b := h.browser(ann, true), h.browser(ann, true)
			live.load(t, "k")
			live.connect(t)
			run := h.begin(t, "k")
			n := 0
			items := func(count int) string {
				var list strings.Builder
				for range count {
					list.WriteString(item(n))
					n++
				}
				return list.String()
			}
			h.say(t, run, items(1000), items(1000))
			for range 5 {
				delete(b.known, "k")
				b.load(t, "k")
				log := &interceptor{Log: h}
				if cut { // right when it has everything, and before it is live
					log.overstate, log.before = 2, map[int]func(){3: func() { h.Leave(b.member) }}
				}
				b.connectBy(t, log, func() { h.say(t, run, items(10)) })
				if cut {
					h.Wait()
				}
				b.catchUp(t)
				live.catchUp(t)
				if b.shows("k", n-1) == cut {
					t.Fatalf("the replay has shown the end of the list: %v", !cut)
				}
				b.lose()
			}
			b.connect(t)
			h.say(t, run, "\n\n"+strings.Repeat("And so on. ", 500)+"\n\n")
			h.finish(t, run, session.RunCompleted)
			for _, b := range []*browser{b, live} {
				b.catchUp(t)
				b.same(t, "k")
				b.lose()
			}
			h.Wait()
		})
	}
}

// Pages of any size, joined, are the log; each fits a frame. Their reader ends with
// the whole answer formatted.
func TestPagesAreTheLog(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		h := harnessOn(store)
		runs++
		key := fmt.Sprint("k", runs)
		for range rapid.IntRange(1, 2).Draw(t, "answers") {
			h.send(t, ann, key, rapid.SampledFrom([]string{"question",
				strings.Repeat("<long> ", 20<<10)}).Draw(t, "question"))
			run := h.begin(t, key)
			h.say(t, run, rapid.SliceOfN(rapid.SampledFrom(presenttest.ShortFragments()), 1, 60).Draw(t,
				"words")...)
			if how := rapid.SampledFrom([]session.RunStatus{session.RunCompleted, session.RunFailed,
				""}).Draw(t, "how"); how != "" {
				h.finish(t, run, how)
			} else {
				h.reset(t, key)
			}
		}
		m := &Member{UserID: "ann", Role: protocol.Operator, HTML: rapid.Bool().Draw(t, "html")}
		at := h.transcript(t, key, m.HTML)
		shown := timeline.New(key)
		for after := int64(0); after < at.LastSeq; {
			limit := rapid.IntRange(1, 40).Draw(t, "limit")
			page, err := h.Hub.ReadPage(t.Context(), h, m, key, at.Epoch, after, limit)
			must(t, page, err)
			frame := protocol.AppendResult(nil, strings.Repeat("\x01", protocol.MaxIDLength), page)
			if len(frame) > protocol.MaxFrameBytes || len(page.Events) == 0 || len(page.Events) > limit ||
				page.LastSeq != at.LastSeq || page.Epoch != at.Epoch || page.SessionKey != key || page.Reset {
				t.Fatalf("a page of %d events in %d bytes: %+v", len(page.Events), len(frame), page)
			}
			for _, f := range page.Events {
				outcome, _ := shown.Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload})
				if after++; f.Seq != after || outcome != timeline.Applied {
					t.Fatalf("event %d where %d should be: outcome %d", f.Seq, after, outcome)
				}
			}
		}
		b := &browser{h: h, html: m.HTML, known: map[string]*timeline.Timeline{key: shown}}
		b.same(t, key)
	})
}

// After a page that ends in the middle of an answer, live events continue the
// answer without a flaw.
func TestPageBeforeLiveEvents(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.send(t, ann, "k", "question")
	b := h.browser(ann, true)
	b.load(t, "k")
	run := h.begin(t, "k")
	var list strings.Builder
	for n := range 2000 {
		list.WriteString(item(n))
	}
	h.say(t, run, list.String())
	h.say(t, run, item(2000))
	b.newMember()
	h.Join(b.member)
	h.say(t, run, "\n\n", "And so on.") // live, behind a gap
	b.read(t, 100)
	shown := b.known["k"]
	if _, open := shown.Gap(); !open {
		t.Fatal("there is no gap")
	}
	b.mend(t)
	h.finish(t, run, session.RunCompleted)
	b.read(t, 100)
	b.same(t, "k")
	h.Leave(b.member)
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.answered(t, ann, "k", "one", "two", "three")
	at := h.transcript(t, "k", false)
	m := &Member{UserID: "ann", Role: protocol.Operator}
	for name, c := range map[string]protocol.Cursor{
		"another epoch": {Epoch: "other"}, "ahead of the log": {Epoch: at.Epoch, AfterSeq: at.LastSeq +
			1},
	} {
		page, err := h.Hub.ReadPage(t.Context(), h, m, "k", c.Epoch, c.AfterSeq, 10)
		if err != nil || !page.Reset || len(page.Events) > 0 || page.Epoch != at.Epoch ||
			page.LastSeq != at.LastSeq {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	page, err := h.Hub.ReadPage(t.Context(), h, m, "k", at.Epoch, at.LastSeq, 10)
	if err != nil || page.Reset || len(page.Events) > 0 {
		t.Errorf("at the end: %+v, %v", page, err)
	}
	if _, err := h.Hub.ReadPage(t.Context(), h, &Member{UserID: "ben", Role: protocol.Operator}, "k", "",
		0, 10); refusal(err) != protocol.Forbidden {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := h.Hub.ReadPage(t.Context(), h, m, "none", "", 0, 10); refusal(err) != protocol.NotFound {
		t.Errorf("none: %v", err)
	}
}
