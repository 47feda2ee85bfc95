//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

func TestConsoleRefreshesOnItsTopics(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) {
		eq(t, "renewals when connected", len(s.browser.refreshes), 1)
		s.gateway.event("admin.changed", `{"topics":["audit","sessions"]}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "renewals for another's topics", len(s.browser.refreshes), 1)
		s.gateway.event("admin.changed", `{"topics":["audit","keys"]}`, 0)
		s.gateway.event("admin.changed", `{"topics":["clients"]}`, 0)
		s.gateway.event("admin.changed", `{"topics":["clients"]}`, 0)
		s.wait(50 * time.Millisecond)
		if n := len(s.browser.refreshes); n < 2 || n > 4 {
			t.Errorf("%d renewals after three words", n)
		}
		n := len(s.browser.refreshes)
		s.gateway.cut(1006, "", false)
		s.wait(5 * time.Second)
		eq(t, "renewals after a reconnect", len(s.browser.refreshes), n+1)
	})
}

func TestConsoleRetriesARefresh(t *testing.T) {
	withPage(t, viewtest.Console, func(w *fakeBrowser,
		g *fakeGateway) {
		asAdmin(w, g)
		w.refreshStatus = 503
	}, func(s *harness) {
		eq(t, "renewals", len(s.browser.refreshes), 1)
		s.browser.refreshStatus = 200
		s.wait(21 * time.Second)
		eq(t, "renewals after a tick", len(s.browser.refreshes), 2)
		s.wait(time.Minute)
		eq(t, "renewals when all is well", len(s.browser.refreshes), 2)
	})
}

func TestConsoleWritesTimes(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) { // synctest's clock starts in 2000
		ago, clock := s.browser.Root.Find("data-time", "ago")[0],
			s.browser.Root.Find("data-time", "clock")[0]
		eq(t, "the time", clock.Text(), "2000-01-01T00:00:00.000Z")
		s.wait(2*time.Minute + 30*time.Second)
		eq(t, "how long ago", ago.Text(), "2 minutes ago")
	})
}

func TestFilterRefreshesThePage(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) {
		s.do("filter", "filter")
		eq(t, "asked", s.browser.refreshes[len(s.browser.refreshes)-1], "filter")
		s.browser.refreshStatus = 0
		s.do("filter", "filter")
		eq(t, "told", s.items("toasts")[0].Slot("text"),
			"The list could not be loaded. Try again in a moment.")
	})
}

func TestActionsOnRows(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) {
		s.gateway.on("clients.disconnect", `{"disconnected":true}`)
		s.gateway.refuse("api_keys.revoke", protocol.Refuse(protocol.Unavailable, "the store is busy"))
		s.gateway.on("chat.abort", `{"ok":true,"aborted":true,"runIds":["r"]}`)
		row := s.browser.Root.Find("data-row", "7")[0].(*viewtest.Element)

		s.act("disconnect", row)
		dialog := s.browser.Get("disconnect-dialog")
		eq(t, "whom", dialog.Slot("user")+" "+dialog.Slot("browser")+" "+dialog.Slot("address"),
			"anna Firefox 10.0.0.7")
		eq(t, "nothing yet", len(s.gateway.calls("clients.disconnect")), 0)
		before := len(s.browser.refreshes)
		s.act("confirm-disconnect", dialog)
		eq(t, "disconnected", s.gateway.calls("clients.disconnect")[0].text("id"), "7")
		eq(t, "open", dialog.Opened, false)
		eq(t, "renewals", len(s.browser.refreshes), before+1)

		s.act("revoke-key", row)
		dialog = s.browser.Get("revoke-key-dialog")
		eq(t, "which", dialog.Slot("name")+" "+dialog.Slot("key"), "Report gh_abc123")
		s.act("confirm-revoke-key", dialog)
		eq(t, "revoked", s.gateway.calls("api_keys.revoke")[0].text("id"), "7")
		eq(t, "open", dialog.Opened, true)
		eq(t, "why not", dialog.Slot("error"), "the store is busy")

		s.act("stop-session", row)
		eq(t, "stopped", s.gateway.calls("chat.abort")[0].text("sessionKey"), "7")
	})
}

func TestAKeyIsShownOnce(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) {
		dialog := s.browser.Get("key-dialog")
		fill := func(name, value string) { dialog.Find("name", name)[0].SetValue(value) }
		s.do("new-key", "new-key")
		fill("name", " Report ")
		fill("user", " anna ")
		s.gateway.refuse("api_keys.create", protocol.Refuse(protocol.InvalidRequest,
			"userId must be given"))
		s.act("confirm-key", dialog)
		eq(t, "why not", dialog.Slot("error"), "userId must be given")
		eq(t, "the form", dialog.Attr("data-state"), "form")

		s.gateway.on("api_keys.create",
			`{"id":"k","key":"gh_secret","prefix":"gh_sec","name":"Report","userId":"anna","role":"operator"}`)
		s.act("confirm-key", dialog)
		s.act("confirm-key", dialog) // Enter is pressed again
		calls := s.gateway.calls("api_keys.create")
		eq(t, "calls", len(calls), 2)
		p := calls[1]
		eq(t, "asked for", p.text("name")+" "+p.text("userId")+" "+p.text("role"), "Report anna operator")
		eq(t, "for how long", p["expiresIn"].(float64), 90*24*60*60)
		eq(t, "the key", dialog.Slot("key"), "gh_secret")
		s.act("copy-key", dialog)
		eq(t, "copied", s.browser.copied, "gh_secret")
		s.act("close-dialog", withAction("close-dialog"))
		s.wait(time.Minute)
		eq(t, "left on the page", dialog.Slot("key"), "")
	})
}

// withAction returns an element with an action that is in no document.
func withAction(action string) *viewtest.Element {
	return viewtest.Parse(`<p><button data-action="` + action + `"></button></p>`).Root
}

func TestReloadsTheConfig(t *testing.T) {
	withPage(t, viewtest.Console, asAdmin, func(s *harness) {
		panel := s.browser.Get("reload")
		s.gateway.on("config.reload", `{"applied":["log.level","gateway.rate_limit_rpm"],"needsRestart":["data_dir"]}`)
		s.do("reload-config", "reload")
		eq(t, "the state", panel.Attr("data-state"), "done")
		eq(t, "in force", panel.Slot("applied")+" / "+panel.Slot("restart"),
			"log.level, gateway.rate_limit_rpm / data_dir")
		s.gateway.on("config.reload", `{"applied":[],"needsRestart":[]}`)
		s.do("reload-config", "reload")
		eq(t, "the state without changes", panel.Attr("data-state"), "unchanged")
		eq(t, "in force", panel.Slot("applied")+" / "+panel.Slot("restart"), " / ")
		s.gateway.refuse("config.reload", protocol.Refuse(protocol.InvalidRequest,
			"log.level: one of debug, info"))
		s.do("reload-config", "reload")
		eq(t, "the state", panel.Attr("data-state")+" "+panel.Slot("error"),
			"failed log.level: one of debug, info")
	})
}

func TestPendingPairingsAreCountedOnEveryPage(t *testing.T) {
	asAdminOf := func(w *fakeBrowser, g *fakeGateway) {
		asAdmin(w, g)
		w.Document.Root.SetAttr("data-user", "admin")
		withHistory(w, g)
	}
	for name, doc := range map[string]func() *viewtest.Document{"chat": sessionPage,
		"admin": viewtest.Admin, "console": viewtest.Console} {
		t.Run(name, func(t *testing.T) {
			withPage(t, doc, asAdminOf, func(s *harness) {
				eq(t, "the badge", s.browser.Get("pending-badge").Text(), "1")
				s.gateway.event("device.pair.requested", pendingJSON("BBBBBBBB", "Ben’s new one"), 0)
				s.wait(50 * time.Millisecond)
				eq(t, "the badge", s.browser.Get("pending-badge").Text(), "2")
				eq(t, "notified", strings.Join(s.browser.notified, ", "),
					"Ben’s new one asks to be let in /admin#BBBBBBBB")
				if !strings.HasPrefix(s.browser.title, "(2) ") ||
					!strings.HasSuffix(s.browser.title, "Gatehouse") {
					t.Errorf("the title is %q", s.browser.title)
				}
				for _, code := range []string{"AAAAAAAA", "BBBBBBBB"} {
					s.gateway.event("device.pair.resolved", `{"status":"denied","code":"`+code+`"}`, 0)
				}
				s.wait(50 * time.Millisecond)
				eq(t, "the badge", s.browser.Get("pending-badge").Text(), "")
				if strings.HasPrefix(s.browser.title, "(") {
					t.Errorf("the title is %q", s.browser.title)
				}
			})
		})
	}
}

func TestAsksForNotifications(t *testing.T) {
	withPage(t, viewtest.Admin, func(w *fakeBrowser,
		g *fakeGateway) {
		asAdmin(w, g)
		w.notificationState = "off"
	}, func(s *harness) {
		eq(t, "the state", s.browser.Get("notices").Attr("data-state"), "off")
		s.do("ask-notices", "notices")
		eq(t, "the state", s.browser.Get("notices").Attr("data-state"), "on")
	})
}

func TestNonAdminLeavesTheConsole(t *testing.T) {
	withPage(t, viewtest.Console, nil, func(s *harness) {
		eq(t, "done", strings.Join(s.browser.navigations, " "), "leave /")
		eq(t, "what is left", s.browser.Get("console").Inner(), "")
		eq(t, "renewals", len(s.browser.refreshes), 0)
	})
}
