package part

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/web/htmltest"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var out strings.Builder
	if err := c.Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// skeleton is what the client relies on: elements, the names of their attributes,
// and the values of those that are the same in every instance. The text of a slot
// is not part of it.
func skeleton(t *testing.T, c templ.Component) string {
	t.Helper()
	root, err := htmltest.Parse(render(t, c))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, n := range root.Children {
		outline(&out, n, 0)
	}
	return out.String()
}

func outline(out *strings.Builder, n *htmltest.Node, depth int) {
	if n.Type != htmltest.Element {
		return
	}
	slices.SortFunc(n.Attr, func(a, b htmltest.Attribute) int { return strings.Compare(a.Key, b.Key) })
	out.WriteString(strings.Repeat("  ", depth) + n.Data)
	filled := false
	for _, a := range n.Attr {
		out.WriteString(" " + a.Key)
		switch a.Key {
		case markup.AttrSlot, markup.AttrAction, markup.AttrWhen, "class", "type", "name":
			out.WriteString("=" + a.Val)
		}
		filled = filled || a.Key == markup.AttrSlot && a.Val == markup.SlotBody
	}
	out.WriteString("\n")
	if filled {
		return
	}
	for _, child := range n.Children {
		outline(out, child, depth+1)
	}
}

func TestTemplatesAreWhatTheServerRenders(t *testing.T) {
	t.Parallel()
	at := Moment{RFC3339: "2026-03-04T14:05:00Z", Text: "14:05"}
	message := func(from, status string) Message {
		return Message{
			From: from, ID: "m", RunID: "r", Seq: 7, Status: status, Time: at, Text: "text", Blocks: []string{"<p>one</p>", "<pre>two</pre>"},
			ByOther: true, Author: "root", Name: "agent", Label: "label", Thinking: "hm", Activity: "thinking…", Error: "broken",
		}
	}
	type pair struct {
		name       string
		zero, full templ.Component
	}
	pairs := []pair{
		{"toast", Toast(ToastModel{}), Toast(ToastModel{Kind: markup.KindGood, Text: "done"})},
		{"session", SessionItem(Session{}), SessionItem(Session{Key: "k", Label: "l", Time: at, Running: true, Pinned: true, Current: true})},
		{"pending", PendingCard(Pending{}), PendingCard(Pending{"ABCDEFGH", "d", "name", "browser", "address", at, "5 minutes", true, "anna (admin)"})},
		{"device", DeviceRow(Device{}), DeviceRow(Device{"d", "label", "browser", "user", "role", at, at, true})},
		{"resolved", ResolvedLine(Resolved{}), ResolvedLine(Resolved{markup.ResolvedApproved, "name", "user", "role", at})},
		{"known user", KnownUser(""), KnownUser("anna")},
	}
	for _, from := range []string{markup.FromUser, markup.FromAssistant, markup.FromSystem} {
		for _, status := range []string{
			markup.StatusQueued, markup.StatusStreaming, markup.StatusComplete, markup.StatusAborted,
			markup.StatusFailed, markup.StatusWithdrawn,
		} {
			pairs = append(pairs, pair{from + " message, " + status, MessageItem(Message{From: from}), MessageItem(message(from, status))})
		}
	}
	for _, p := range pairs {
		if zero, full := skeleton(t, p.zero), skeleton(t, p.full); zero != full {
			t.Errorf("%s: the template and the page differ.\nTemplate:\n%s\nPage:\n%s", p.name, zero, full)
		}
	}
}

func TestSlotsOfATemplateAreEmpty(t *testing.T) {
	t.Parallel()
	for _, c := range []templ.Component{
		Toast(ToastModel{}), SessionItem(Session{}), PendingCard(Pending{}), DeviceRow(Device{}), ResolvedLine(Resolved{}),
		FileItem(File{}), Attachment(), MessageItem(Message{From: markup.FromUser}), MessageItem(Message{From: markup.FromAssistant}), MessageItem(Message{From: markup.FromSystem}),
	} {
		text := render(t, c)
		root, err := htmltest.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				if a.Key == markup.AttrSlot && a.Val != markup.SlotLink && len(n.Children) > 0 {
					t.Errorf("slot %s is not :empty in %s", a.Val, text)
				}
			}
		}
	}
}

func TestOnlyBlocksAreHTML(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>`
	plain := render(t, MessageItem(Message{
		From: markup.FromAssistant, ID: evil, RunID: evil, Status: evil, Time: Moment{evil, evil}, Text: evil,
		Author: evil, Name: evil, Thinking: evil, Activity: evil, Error: evil,
	})) + render(t, SessionItem(Session{Key: evil, Label: evil})) +
		render(t, PendingCard(Pending{evil, evil, evil, evil, evil, Moment{evil, evil}, evil, true, evil})) +
		render(t, DeviceRow(Device{ID: evil, Label: evil, Browser: evil, User: evil, Role: evil})) +
		render(t, MessageItem(Message{From: markup.FromUser, Files: []File{{Name: evil, Size: evil, Href: evil, Picture: evil}}})) +
		render(t, ResolvedLine(Resolved{evil, evil, evil, evil, Moment{}})) + render(t, KnownUser(evil))
	if strings.Contains(plain, "<script") {
		t.Errorf("text became markup: %s", plain)
	}
	const block = `<p class="x">formatted</p>`
	if out := render(t, MessageItem(Message{From: markup.FromAssistant, Blocks: []string{block, block}})); !strings.Contains(out, ">"+block+block+"<") {
		t.Errorf("blocks are not placed side by side as they are: %s", out)
	}
}

func TestTextKeepsItsSpaces(t *testing.T) {
	t.Parallel()
	const text = "  two spaces\n\n\tand a tab  "
	if out := render(t, MessageItem(Message{From: markup.FromUser, Text: text})); !strings.Contains(out, `data-format="text">`+text+"<") {
		t.Errorf("text was changed: %q", out)
	}
}
