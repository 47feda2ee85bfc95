package view_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

func TestOnlyChangedSessionsAreDrawn(t *testing.T) {
	t.Parallel()
	doc := viewtest.Chat("", "", "")
	list := view.NewSessions(doc)
	sessions := []view.Session{{Key: "a", Label: "A", Href: "/s/a"},
		{Key: "b", Label: "B", Href: "/s/b"}}
	list.Draw(sessions)
	first := doc.Get("session-list").Elements()[0]
	doc.Writes = 0
	list.Draw(sessions)
	if doc.Writes != 0 {
		t.Errorf("drawing the same again wrote %d times", doc.Writes)
	}
	list.Draw([]view.Session{{Key: "b", Label: "B", Href: "/s/b", Running: true, Pinned: true,
		Current: true}, sessions[0]})
	items := doc.Get("session-list").Elements()
	if len(items) != 2 || items[1] != first {
		t.Fatalf("the list is\n%s", doc.Get("session-list").Inner())
	}
	for attr, want := range map[string]string{"data-state": "running", "data-pinned": "true",
		"aria-current": "page"} {
		if got := items[0].Attr(attr); got != want {
			t.Errorf("%s is %q, want %q", attr, got, want)
		}
	}
	list.Draw([]view.Session{{Key: "a", Hidden: true}})
	if doc.Get("session-none").Flag("hidden") {
		t.Error("nothing is found, and the page does not say so")
	}
}

func TestComposerShowsTheLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, room, excess string }{
		{"", "", ""},
		{strings.Repeat("x", 90), "", ""},
		{strings.Repeat("x", 91), "9 characters left", ""},
		{strings.Repeat("x", 100), "0 characters left", ""},
		{strings.Repeat("x", 101), "", "1 character"},
		{strings.Repeat("x", 1304), "", "1,204 characters"},
		{strings.Repeat("x", 90_100), "", "about 30 pages"},
		{strings.Repeat("漢", 32), "1 character left", ""},
		{strings.Repeat("漢", 40), "", "7 characters"},
	} {
		doc := viewtest.Chat("", "", "")
		view.DrawComposer(doc, view.Composer{Text: c.written, Limit: 100})
		room, long := doc.Get("composer-limit").Text(), doc.Get("composer-long")
		excess := long.Slot("excess")
		if room != c.room || excess != c.excess || long.Flag("hidden") != (c.excess == "") {
			t.Errorf("%d bytes: room %q, excess %q, hidden %v; want room %q, excess %q", len(c.written),
				room, excess, long.Flag("hidden"), c.room, c.excess)
		}
	}
}

func TestAdminListsAndApproval(t *testing.T) {
	t.Parallel()
	doc := viewtest.Admin()
	admin := view.NewAdmin(doc)
	admin.Draw([]view.Pending{{Code: "ABCDEFGH", DeviceName: "Anna’s"}},
		[]view.Device{{ID: "d", User: "u", Current: true}}, []string{"u"})
	if got := doc.Get("pending-list").Elements()[0].Slot("code"); got != "ABCD EFGH" {
		t.Errorf("the code reads %q", got)
	}
	if doc.Get("pending-count").Text() != "1" ||
		doc.Get("device-list").Elements()[0].Attr("data-this") != "true" ||
		doc.Get("known-users").Elements()[0].Attr("value") != "u" {
		t.Errorf("the lists are\n%s", doc.Root.HTML())
	}
	dialog := doc.Get("approve-dialog")
	admin.OpenApproval(view.Approval{Code: "ABCDEFGH", State: "form", Who: "existing", User: "u",
		Role: "viewer"})
	if !dialog.Opened || dialog.Slot("who") != "u" || dialog.Attr("data-role") != "viewer" {
		t.Errorf("the dialog is\n%s", dialog.HTML())
	}
	for i := range 20 {
		admin.AddResolved(view.Resolved{State: "approved", DeviceName: strings.Repeat("x", i)})
	}
	if lines := doc.Get("resolved-list").Elements(); len(lines) != 12 ||
		len(lines[0].Slot("device-name")) != 19 {
		t.Errorf("%d lines, the first %q", len(lines), lines[0].Slot("device-name"))
	}
}

func TestAgesOfServedEntries(t *testing.T) {
	t.Parallel()
	doc := viewtest.Admin()
	now, _ := protocol.ParseTime("2026-01-01T03:00:00Z")
	view.NewAdmin(doc).UpdateAges(now)
	if got := doc.Get("resolved-list").Elements()[0].Slot("time"); got != "3 hours ago" {
		t.Errorf("the line reads %q", got)
	}
}
