package view_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

func clock(at protocol.Time) view.Time {
	return view.Time{Stamp: at.String(), Text: fmt.Sprint("at ", int64(at))}
}

func user(id, text string) view.Message {
	return view.Message{ID: id, From: protocol.FromUser, Status: "complete", At: 1, Content: text}
}

func answer(id, status string, blocks ...timeline.Block) view.Message {
	return view.Message{ID: id, From: protocol.FromAssistant, Status: status, At: 2, Blocks: blocks}
}

func blocks(html ...string) []timeline.Block {
	list := make([]timeline.Block, len(html))
	for i := range html {
		list[i].HTML = html[i]
	}
	return list
}

// drawn returns the transcript of a new page that has drawn the messages.
func drawn(t *testing.T, messages []view.Message) string {
	t.Helper()
	doc := viewtest.Chat("", "", "")
	view.NewTranscript(doc, clock).Draw(messages)
	return doc.Get("messages").Inner()
}

func TestPatchesEqualAFullDraw(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		doc := viewtest.Chat("", "", "")
		transcript := view.NewTranscript(doc, clock)
		var list []timeline.Block
		m := answer("a", "streaming")
		for step := range 30 {
			list = mutate(random, list, step)
			m.Blocks = list
			if step == 29 {
				m.Status = "complete"
			}
			transcript.Draw([]view.Message{m})
			if got, want := doc.Get("messages").Inner(), drawn(t, []view.Message{m}); got != want {
				t.Fatalf("seed %d, step %d:\n got %s\nwant %s", seed, step, got, want)
			}
		}
	}
}

// mutate changes blocks in place, as an answer that grows does.
func mutate(random *rand.Rand, list []timeline.Block, step int) []timeline.Block {
	block := timeline.Block{HTML: fmt.Sprintf("<p>%d &lt;b&gt;</p>", step)}
	switch n := len(list); random.IntN(5) {
	case 0:
		return append(list, block)
	case 1:
		return append(list, timeline.Block{HTML: "<pre><code>x = </code></pre>"}, block)
	case 2:
		if n > 0 && strings.HasPrefix(list[n-1].HTML, "<pre>") {
			list[n-1].Text += fmt.Sprint(step, "<i>")
			return list
		}
		return append(list, timeline.Block{HTML: "<pre><code>y</code></pre>"})
	case 3:
		if n > 0 {
			list[n-1] = block
		}
		return list
	default:
		return list[:random.IntN(n+1)]
	}
}

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", "", "")
	transcript := view.NewTranscript(doc, clock)
	messages := []view.Message{user("u1", "one"),
		answer("a1", "complete", blocks("<p>1</p>", "<p>2</p>")...)}
	for i := range 200 {
		messages = append(messages, user(fmt.Sprint("u", i+2), "more"))
	}
	last := answer("a2", "streaming", blocks("<p>done</p>", "<pre><code>x</code></pre>")...)
	messages = append(messages, last)
	transcript.Draw(messages)

	for _, c := range []struct {
		what   string
		change func()
		writes int
	}{
		{"nothing", func() {}, 0},
		{"text at the end of the open code", func() { last.Blocks[1].Text = "y" }, 1},
		{"another block", func() { last.Blocks = append(last.Blocks, blocks("<p>z</p>")...) }, 1},
		{"the activity", func() { last.Activity = "using x…" }, 1},
		{"the end", func() { last.Status, last.Activity = "complete", "" }, 2},
		{"a message more", func() { messages = append(messages, user("u999", "new")) }, 1},
	} {
		doc.Writes = 0
		c.change()
		messages[201+1] = last
		transcript.Draw(messages)
		if doc.Writes != c.writes {
			t.Errorf("%s: %d writes, want %d", c.what, doc.Writes, c.writes)
		}
	}
}

const served = `<article aria-label="You, at 1" class="message message-user" data-message-id="u1" data-run-id="" data-seq="1" data-key="" data-status="complete" data-by-other="false"><time data-slot="time" datetime="1970-01-01T00:00:00.001Z">at 1</time><span data-slot="author"></span><div data-slot="body" data-format="text">hi</div><span data-slot="error"></span></article>` +
	`<article aria-label="Agent, at 2" class="message message-assistant" data-message-id="a1" data-run-id="r" data-seq="2" data-key="" data-status="%" data-by-other="false"><span data-slot="name">Agent</span><time data-slot="time" datetime="1970-01-01T00:00:00.002Z">at 2</time><div data-slot="thinking"></div><div data-slot="body" data-format="html"><p>one</p><p>tw</p></div><span data-slot="activity"></span><span data-slot="error"></span></article>`

func servedMessages(status string, html ...string) []view.Message {
	u, a := user("u1", "hi"), answer("a1", status, blocks(html...)...)
	u.Seq, a.Seq, a.RunID = 1, 2, "r"
	return []view.Message{u, a}
}

func TestTakeoverDoesNotRewriteFinalMessages(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", strings.Replace(served, "%", "complete", 1), "")
	before := doc.Get("messages").Elements()
	transcript := view.NewTranscript(doc, clock)
	transcript.Draw(servedMessages("complete", "<p>one</p>", "<p>tw</p>"))
	if doc.Writes != 0 {
		t.Errorf("taking over wrote %d times:\n%s", doc.Writes, doc.Get("messages").Inner())
	}
	for i, el := range doc.Get("messages").Elements() {
		if el != before[i] {
			t.Errorf("message %d is another element", i)
		}
	}
}

func TestTakeoverOfAStreamingAnswer(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", strings.Replace(served, "%", "streaming", 1), "")
	transcript := view.NewTranscript(doc, clock)
	now := servedMessages("streaming", "<p>one</p>", "<p>two</p>", "<p>three</p>")
	transcript.Draw(now)
	if got, want := doc.Get("messages").Elements()[1].Slot("body"), "onetwothree"; got != want {
		t.Errorf("the answer reads %q, want %q", got, want)
	}
}

func TestOwnMessagesFollowServedOnes(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", strings.Replace(served, "%", "complete", 1), "")
	transcript := view.NewTranscript(doc, clock)
	own := view.Message{Key: "k", From: protocol.FromUser, Status: "waiting", Content: "later"}
	transcript.DrawAfterServed([]view.Message{own})
	transcript.DrawAfterServed([]view.Message{own})
	items := doc.Get("messages").Elements()
	if len(items) != 3 || items[2].Attr("data-key") != "k" {
		t.Fatalf("the transcript is\n%s", doc.Get("messages").Inner())
	}
	own.ID = "u2"
	transcript.Draw(append(servedMessages("complete", "<p>one</p>", "<p>tw</p>"), own))
	after := doc.Get("messages").Elements()
	if len(after) != 3 || after[2] != items[2] || after[2].Attr("data-message-id") != "u2" ||
		after[2].Attr("data-key") != "" {
		t.Errorf("the message that got its id is not the element that waited:\n%s",
			doc.Get("messages").Inner())
	}
}

func TestTextIsNeverMarkup(t *testing.T) {
	t.Parallel()
	const evil = `<img src=x onerror="alert(1)"></li><script>alert(2)</script>&amp;`
	m := view.Message{
		ID: evil, From: protocol.FromAssistant, Status: "failed", Content: evil, Author: evil, Name: evil,
		Label: evil, Thinking: evil, Activity: evil, Error: evil, RunID: evil, ByOther: true,
	}
	s := m
	s.ID, s.From = "s", protocol.FromSystem
	code := answer("c", "streaming", timeline.Block{HTML: "<pre><code>a</code></pre>", Text: evil})
	doc := viewtest.Chat("", "", "")
	view.NewTranscript(doc, clock).Draw([]view.Message{m, s, user("u", evil), code})
	view.NewSessions(doc).Draw([]view.Session{{Key: evil, Label: evil, Href: "/"}})
	view.ShowToast(doc, "info", evil)
	view.OpenDelete(doc, evil, evil)
	view.Announce(doc, evil)
	if html := doc.Root.HTML(); strings.Contains(html, "<img src") ||
		strings.Contains(html, "<script") {
		t.Errorf("text became markup:\n%s", html)
	}
	if got := doc.Get("messages").Elements()[2].Slot("body"); got != evil {
		t.Errorf("the text reads %q, want %q", got, evil)
	}
}

func TestRowsFollowTheModelsOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		doc := viewtest.Chat("", "", "")
		transcript := view.NewTranscript(doc, clock)
		for range 6 {
			var messages []view.Message
			for _, i := range random.Perm(8)[:random.IntN(9)] {
				messages = append(messages, user(fmt.Sprint(i), fmt.Sprint("text ", i)))
			}
			transcript.Draw(messages)
			if got, want := doc.Get("messages").Inner(), drawn(t, messages); got != want {
				t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, want)
			}
		}
	}
}

// TestMessagesAreNamed checks that each message has a name that says who wrote it and when,
// so that users of screen readers can jump from one message to the next.
func TestMessagesAreNamed(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", "", "")
	transcript := view.NewTranscript(doc, clock)
	by := func(m view.Message, author string) view.Message {
		m.ByOther, m.Author = true, author
		return m
	}
	note := view.Message{ID: "n", From: protocol.FromSystem, Status: "complete", At: 3}
	messages := []view.Message{user("u", "hi"), by(user("v", "hi"), "anna"),
		answer("a", "streaming"), note, by(note, "root")}
	messages[4].ID = "m"
	names := func() string {
		all := ""
		for _, el := range doc.Get("messages").Elements() {
			all += el.Tag + " " + el.Attr("aria-label") + "; "
		}
		return all
	}
	transcript.Draw(messages)
	want := "article You, at 1; article anna, at 1; article Agent, at 2; article Note, at 3; article Note by root, at 3; "
	if got := names(); got != want {
		t.Errorf("the messages are\n%s, want\n%s", got, want)
	}
	messages[2].Name, messages[2].At = "Demo agent", 4
	transcript.Draw(messages)
	if got := names(); !strings.Contains(got, "article Demo agent, at 4; ") {
		t.Errorf("the messages are\n%s", got)
	}
}
