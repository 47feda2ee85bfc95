//go:build !js

package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

func sessionJSON(key, label string, pinned bool, updated string) string {
	return fmt.Sprintf(`{"key":%q,"agentId":"main","userId":"u","label":%q,"pinned":%v,"epoch":"e","lastSeq":4,"createdAt":%q,"updatedAt":%q}`,
		key, label, pinned, updated, updated)
}

func historyOf(key, text string) string {
	return fmt.Sprintf(`{"messages":[{"id":"of %s","role":"user","content":%q,"status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":1}],"sessionKey":%q,"epoch":"e %s","lastSeq":1,"hasMore":false}`, key, text, key, key)
}

// withSessions has the gateway answer with the sessions s, a and b.
func withSessions(_ *fakeBrowser, g *fakeGateway) {
	g.on("sessions.list", `{"sessions":[`+sessionJSON("s", "This one", false,
		"2000-01-01T00:00:00Z")+`,`+
		sessionJSON("a", "Ärger", false, "2000-01-01T00:00:00Z")+`,`+sessionJSON("b", "Pinned", true,
		"1999-01-01T00:00:00Z")+`]}`)
	g.answer("chat.history", func(p params) (string, *protocol.Error) {
		if key := p.text("sessionKey"); key != "s" {
			return historyOf(key, "text of "+key), nil
		}
		return history, nil
	})
}

// labels describes the list of chats: the open one in brackets, without the hidden ones.
func (s *harness) labels() string {
	var list []string
	for _, item := range s.browser.Get("session-list").Elements() {
		label := item.Slot("label")
		if item.Attr("aria-current") == "page" {
			label = "[" + label + "]"
		}
		if item.Attr("data-state") == "running" {
			label += "…"
		}
		if !item.Flag("hidden") {
			list = append(list, label)
		}
	}
	return strings.Join(list, " ")
}

func (s *harness) session(key string) *viewtest.Element {
	for _, item := range s.browser.Get("session-list").Elements() {
		if item.Attr("data-session-key") == key {
			return item
		}
	}
	s.t.Fatalf("there is no session %q in the list", key)
	return nil
}

func TestListsAndFilters(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		eq(t, "the list", s.labels(), "Pinned [This one] Ärger")
		eq(t, "the title", s.browser.Get("session-title").Text(), "This one")
		eq(t, "the tab", s.browser.title, "This one · Gatehouse")
		s.gateway.agent("a", "run.started", "r", `{"messageId":"x"}`, 9)
		s.wait(50 * time.Millisecond)
		eq(t, "the list", s.labels(), "Pinned Ärger… [This one]")
		s.gateway.agent("a", "run.completed", "r", `{"messageId":"x","content":""}`, 10)
		s.browser.Get("session-search").SetValue("äRG")
		s.do("filter-sessions", "session-search")
		eq(t, "what is found", s.labels(), "Ärger")
	})
}

func TestSwitchesWithoutLoadingThePage(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.compose("draft")
		s.act("open-session", s.session("a"))
		eq(t, "the transcript", s.messages(), "complete: text of a")
		eq(t, "the address", s.browser.navigations[len(s.browser.navigations)-1], "push /s/a")
		eq(t, "the list", s.labels(), "Pinned This one [Ärger]")
		eq(t, "the composer", s.browser.Get("composer-input").Value(), "")
		eq(t, "the root's session", s.browser.Root.Attr("data-session-key"), "a")

		s.browser.path = "/s/s" // back
		s.app.Navigated()
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
		eq(t, "the composer", s.browser.Get("composer-input").Value(), "draft")
		eq(t, "the address", s.browser.navigations[len(s.browser.navigations)-1], "push /s/a")
		eq(t, "loads", len(s.gateway.calls("chat.history")), 2)

		s.browser.path = "/" // further back
		s.app.Navigated()
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "")
		eq(t, "the title", s.browser.Get("session-title").Text(), "New chat")
	})
}

func TestOpensNothingWithoutConnection(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.cut(1006, "", true)
		s.wait(10 * time.Millisecond)
		s.act("open-session", s.session("a"))
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
		eq(t, "notices", len(s.browser.Get("toasts").Elements()), 1)
	})
}

func TestEventsOfOtherSessionsDoNotChangeTheTranscript(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.act("open-session", s.session("a"))
		s.act("open-session", s.session("s"))
		s.gateway.message("a", "m2", "elsewhere", 2)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
		s.act("open-session", s.session("a"))
		eq(t, "the transcript", s.messages(), "complete: text of a | queued: elsewhere")
		eq(t, "loads", len(s.gateway.calls("chat.history")), 2)
	})
}

func TestRenamesAndPins(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.act("rename-session", s.session("a"))
		dialog := s.browser.Get("rename-dialog")
		input := s.browser.Get("rename-input")
		eq(t, "what is proposed", input.Value(), "Ärger")
		eq(t, "what is selected", s.browser.Selected, input)
		s.gateway.answer("sessions.patch", func(p params) (string, *protocol.Error) {
			return `{"session":` + sessionJSON("a", "New name", false, "2000-01-01T00:00:00Z") + `}`, nil
		})
		s.browser.Get("rename-input").SetValue(strings.Repeat("ä", 121))
		s.act("confirm-rename", dialog)
		eq(t, "patches", len(s.gateway.calls("sessions.patch")), 0)
		eq(t, "the dialog stays", dialog.Opened, true)
		eq(t, "the reason", dialog.Slot("error"), "A name has at most 120 characters; this one has 121.")
		input.SetValue(" New name ")
		s.act("confirm-rename", dialog)
		eq(t, "the label", s.gateway.calls("sessions.patch")[0].text("label"), "New name")
		eq(t, "the dialog stays", dialog.Opened, false)
		eq(t, "the error", dialog.Slot("error"), "")
		eq(t, "the list", s.labels(), "Pinned [This one] New name")
		s.act("pin-session", s.session("b"))
		eq(t, "the pin", fmt.Sprint(s.gateway.calls("sessions.patch")[1]["pinned"]), "false")
	})
}

func TestRefusedNameStaysInTheDialog(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.refuse("sessions.patch", protocol.Refuse(protocol.InvalidRequest,
			"label must not contain control characters"))
		s.act("rename-session", s.session("a"))
		dialog, input := s.browser.Get("rename-dialog"), s.browser.Get("rename-input")
		input.SetValue("what I typed")
		s.act("confirm-rename", dialog)
		eq(t, "the dialog stays", dialog.Opened, true)
		eq(t, "the name", input.Value(), "what I typed")
		eq(t, "the reason", dialog.Slot("error"), "label must not contain control characters")
		eq(t, "the state", dialog.Attr("data-state"), "idle")
		eq(t, "the focus", s.browser.Focused, input)
		eq(t, "notices", s.notices(), "")

		// The answer to a dialog that was closed meanwhile is a notice.
		s.app.Act("confirm-rename", dialog.Find("data-action", "confirm-rename")[0])
		dialog.Close()
		s.wait(50 * time.Millisecond)
		eq(t, "notices", s.notices(), "The chat was not changed: label must not contain control characters")
		s.act("rename-session", s.session("b"))
		eq(t, "the reason of another session", dialog.Slot("error"), "")
		eq(t, "the state of another session", dialog.Attr("data-state"), "idle")
	})
}

func TestRenamingWaitsForItsAnswer(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.on("sessions.patch", noAnswer)
		s.act("rename-session", s.session("a"))
		dialog := s.browser.Get("rename-dialog")
		s.browser.Get("rename-input").SetValue("  ")
		s.act("confirm-rename", dialog)
		eq(t, "the reason", dialog.Slot("error"), "Write a name first.")
		s.browser.Get("rename-input").SetValue("once")
		s.act("confirm-rename", dialog)
		s.act("confirm-rename", dialog)
		eq(t, "patches", len(s.gateway.calls("sessions.patch")), 1)
		eq(t, "the state", dialog.Attr("data-state"), "busy")
		s.disconnect()
		eq(t, "the state", dialog.Attr("data-state"), "idle")
		eq(t, "the name", s.browser.Get("rename-input").Value(), "once")
	})
}

func TestDeletes(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.on("sessions.delete", `{"deleted":true}`)
		s.act("delete-session", s.session("s"))
		eq(t, "what is asked about", s.browser.Get("delete-dialog").Slot("label"), "This one")
		s.app.Act("confirm-delete", s.browser.Get("delete-dialog").Find("data-action",
			"confirm-delete")[0])
		s.gateway.event("session.updated", `{"sessionKey":"s","change":"deleted"}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "the list", s.labels(), "Pinned Ärger")
		eq(t, "the state", s.state(), "ready")
		eq(t, "the address", s.browser.path, "/")
		eq(t, "the transcript", s.messages(), "")
	})
}

func TestDeletedElsewhere(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.event("session.updated", `{"sessionKey":"s","change":"deleted"}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "the state", s.state(), "gone")
		eq(t, "the title", s.browser.Get("session-title").Text(), "No such chat")
		eq(t, "the transcript", s.messages(), "")
		s.send("hello?")
		eq(t, "sends", len(s.gateway.calls("chat.send")), 0)
		s.do("open-session", "session-list")
		eq(t, "the state", s.state(), "ready")
	})
}

func TestSessionDeletedWhileDisconnected(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		g.refuse("chat.history", protocol.Refuse(protocol.NotFound, "no such session"))
	}, func(s *harness) {
		eq(t, "the state", s.state(), "gone")
		eq(t, "the title", s.browser.title, "No such chat · Gatehouse")
	})
}

func TestResetElsewhere(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.on("chat.history", `{"messages":[],"sessionKey":"s","epoch":"new","lastSeq":1,"hasMore":false}`)
		s.gateway.event("session.updated",
			`{"sessionKey":"s","change":"reset","session":{"key":"s","agentId":"main","userId":"u","epoch":"new","lastSeq":1,"createdAt":"","updatedAt":""}}`, 1)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "")
	})
}

func messageJSON(id string, seq int) string {
	return fmt.Sprintf(`{"id":%q,"role":"user","content":%q,"status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":%d}`, id, id, seq)
}

func TestLoadsEarlierMessages(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		g.answer("chat.history", func(p params) (string, *protocol.Error) {
			if p["before"] != nil {
				return `{"messages":[` + messageJSON("m1", 1) +
					`],"sessionKey":"s","epoch":"e","lastSeq":4,"hasMore":false}`, nil
			}
			return `{"messages":[` + messageJSON("m3", 3) + `,` + messageJSON("m4", 4) +
				`],"sessionKey":"s","epoch":"e","lastSeq":4,"hasMore":true}`, nil
		})
	}, func(s *harness) {
		eq(t, "has more", s.browser.Root.Attr("data-has-more"), "true")
		s.app.Scrolled(5000, 100)
		s.wait(50 * time.Millisecond)
		eq(t, "before", fmt.Sprint(s.gateway.calls("chat.history")[1]["before"]), "3")
		eq(t, "the transcript", s.messages(), "complete: m1 | complete: m3 | complete: m4")
		eq(t, "has more", s.browser.Root.Attr("data-has-more"), "false")
		eq(t, "the way back is hidden", s.browser.Get("jump-latest").Flag("hidden"), false)
		s.do("jump-latest", "jump-latest")
		s.app.Scrolled(0, 5000)
		s.wait(50 * time.Millisecond)
		eq(t, "the way back is hidden", s.browser.Get("jump-latest").Flag("hidden"), true)
	})
}

func TestAdminSeesThePendingCount(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		withSessions(w, g)
		g.on("connect", `{"protocol":3,"role":"admin","user_id":"u","server":{"name":"g","version":"1"}}`)
		g.on("device.pair.list", `{"pending":[{"code":"AAAAAAAA","deviceId":"d1","address":"x","createdAt":"","expiresAt":""}],"paired":[]}`)
	}, func(s *harness) {
		badge := s.browser.Get("pending-badge")
		eq(t, "the badge", badge.Text(), "1")
		s.gateway.event("device.pair.requested",
			`{"code":"BBBBBBBB","deviceId":"d2","address":"x","createdAt":"","expiresAt":""}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "the badge", badge.Text(), "2")
		for _, code := range []string{"AAAAAAAA", "BBBBBBBB"} {
			s.gateway.event("device.pair.resolved", `{"status":"denied","code":"`+code+`"}`, 0)
		}
		s.wait(50 * time.Millisecond)
		eq(t, "the badge", badge.Text(), "")
	})
}

func TestPathsOfSessions(t *testing.T) {
	t.Parallel()
	for key, path := range map[string]string{
		"":                               "/",
		"agent:main:ws:direct:0-1_2.3@4": "/s/agent:main:ws:direct:0-1_2.3@4",
		"a/b?c#d%":                       "/s/a%2Fb%3Fc%23d%25",
		"ä b":                            "/s/%C3%A4%20b",
	} {
		if got := markup.SessionPath(key); got != path {
			t.Errorf("markup.SessionPath(%q) = %q, want %q", key, got, path)
		}
		if got := sessionKeyOf(path); got != key {
			t.Errorf("keyOf(%q) = %q, want %q", path, got, key)
		}
	}
	for path, key := range map[string]string{"/admin": "", "/s/100%": "100%", "/s/%zz": "%zz"} {
		if got := sessionKeyOf(path); got != key {
			t.Errorf("keyOf(%q) = %q, want %q", path, got, key)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "app.localhost": true, "127.0.0.1": true, "127.1.2.3": true, "[::1]": true,
		"192.168.1.5": false, "chat.example": false, "localhost.example": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("loopback(%q) = %v", host, !want)
		}
	}
}
