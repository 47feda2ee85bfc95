//go:build !js

package app

import (
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// otherUsersPage is the page of anna's session, as an admin gets it.
func otherUsersPage() *viewtest.Document {
	return viewtest.Chat(`data-session-key="s" data-epoch="e" data-last-seq="4" data-has-more="false" data-owner="anna"`, served, "")
}

func withOtherUser(w *fakeBrowser, g *fakeGateway) {
	asAdmin(w, g)
	w.Document.Root.SetAttr("data-user", "admin")
	withHistory(w, g)
	g.on("chat.watch", `{"sessionKey":"s","status":"live","epoch":"e","lastSeq":4}`)
	g.on("chat.inject", `{"ok":true,"messageId":"n1"}`)
}

// writeAs chooses what the admin writes.
func (s *harness) writeAs(as string) {
	s.t.Helper()
	radio := viewtest.Parse(`<p><input data-action="write-as" value="` + as + `"></p>`).Root
	s.act("write-as", radio)
}

func TestAnAdminWatchesAnothersSession(t *testing.T) {
	withPage(t, otherUsersPage, withOtherUser, func(s *harness) {
		p := s.gateway.calls("chat.watch")[0]
		eq(t, "watched", p.text("sessionKey")+" "+p.text("epoch"), "s e")
		eq(t, "from", p["afterSeq"].(float64), 4)
		first := s.browser.Get("messages").Elements()[0]
		eq(t, "by", first.Attr("data-by-other")+" "+first.Slot("author"), "false anna")
		eq(t, "the title", s.browser.Get("session-title").Text(), "Title")

		s.gateway.event("chat", `{"type":"message","sessionKey":"s","message":{"id":"m5","role":"user","content":"live","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":5}}`, 5)
		s.wait(50 * time.Millisecond)
		eq(t, "by", s.last().Slot("body")+" "+s.last().Slot("author"), "live anna")

		s.gateway.event("session.updated",
			`{"sessionKey":"s","change":"patched","session":{"key":"s","userId":"anna","label":"Renamed","epoch":"e","lastSeq":6}}`, 6)
		s.wait(50 * time.Millisecond)
		eq(t, "the title", s.browser.Get("session-title").Text(), "Renamed")
		eq(t, "own sessions", len(s.items("session-list")), 0)

		s.gateway.cut(1006, "", false)
		s.gateway.on("connect", `{"protocol":3,"role":"admin","user_id":"admin","server":{"name":"g","version":"1"},"resumed":[{"sessionKey":"s","status":"live","epoch":"e","lastSeq":6}]}`)
		s.wait(5 * time.Second)
		eq(t, "watched again by more than the cursor", len(s.gateway.calls("chat.watch")), 1)
	})
}

func TestAnAdminAddsANoteOrWrites(t *testing.T) {
	withPage(t, otherUsersPage, withOtherUser, func(s *harness) {
		s.compose("Careful.")
		s.do("send", "composer")
		p := s.gateway.calls("chat.inject")[0]
		eq(t, "the note", p.text("sessionKey")+" "+p.text("message"), "s Careful.")
		eq(t, "messages sent", len(s.gateway.calls("chat.send")), 0)
		eq(t, "the composer", s.composerText(), "")
		s.gateway.event("chat", `{"type":"message","sessionKey":"s","message":{"id":"n1","role":"system","content":"Careful.","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":5,"author":{"userId":"admin","role":"admin"}}}`, 5)
		s.wait(50 * time.Millisecond)
		eq(t, "shown", s.last().Attr("data-by-other")+" "+s.last().Slot("body"), "true Careful.")

		s.gateway.refuse("chat.inject", protocol.Refuse(protocol.Unavailable, "the store is busy"))
		s.compose("Kept")
		s.do("send", "composer")
		eq(t, "the composer", s.composerText(), "Kept")

		s.writeAs("message")
		s.gateway.on("chat.send", `{"runId":"r9","sessionKey":"s","messageId":"m9","seq":6,"epoch":"e","status":"accepted"}`)
		s.do("send", "composer")
		eq(t, "messages sent", s.gateway.calls("chat.send")[0].text("sessionKey"), "s")
		eq(t, "by", s.last().Attr("data-by-other")+" "+s.last().Slot("author"), "true admin")
		eq(t, "in the list", len(s.items("session-list")), 0)
	})
}

func TestNoteStaysInTheComposerWithoutConnection(t *testing.T) {
	withPage(t, otherUsersPage, withOtherUser, func(s *harness) {
		s.gateway.cut(1006, "", true)
		s.compose("Later")
		s.do("send", "composer")
		eq(t, "notes", len(s.gateway.calls("chat.inject")), 0)
		eq(t, "the composer", s.composerText(), "Later")
	})
}

func TestOtherUsersSessionIsNotInTheList(t *testing.T) {
	withPage(t, otherUsersPage, withOtherUser, func(s *harness) {
		s.act("new-session", viewtest.Parse(`<p><a data-action="new-session"></a></p>`).Root)
		eq(t, "the owner", s.browser.Root.Attr("data-owner"), "")
		s.browser.path = "/s/s"
		s.app.Navigated()
		s.wait(50 * time.Millisecond)
		eq(t, "the owner", s.browser.Root.Attr("data-owner"), "anna")
		eq(t, "the title", s.browser.Get("session-title").Text(), "Title")
	})
}

func TestDisconnectedUserMayReconnect(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.cut(1008, protocol.ReasonDisconnected, false)
		s.wait(time.Hour)
		eq(t, "the page", s.state(), "ready")
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state")+": "+s.browser.Get("connection").Slot("reason"), "refused: An admin closed this connection")
		eq(t, "dialled", s.gateway.dialled, 1)
		s.app.Visible()
		s.wait(time.Minute)
		eq(t, "dialled by itself", s.gateway.dialled, 1)
		s.do("reconnect-now", "connection")
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
	})
}
