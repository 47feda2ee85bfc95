//go:build !js

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

func TestConsoleFollowsItsTopics(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) {
		eq(t, "renewals when connected", len(s.win.renewals), 1)
		s.g.event("admin.changed", `{"topics":["audit","sessions"]}`, 0)
		s.wait(50 * time.Millisecond)
		eq(t, "renewals for another's topics", len(s.win.renewals), 1)
		s.g.event("admin.changed", `{"topics":["audit","keys"]}`, 0)
		s.g.event("admin.changed", `{"topics":["clients"]}`, 0)
		s.g.event("admin.changed", `{"topics":["clients"]}`, 0)
		s.wait(50 * time.Millisecond)
		if n := len(s.win.renewals); n < 2 || n > 4 {
			t.Errorf("%d renewals after three words", n)
		}
		n := len(s.win.renewals)
		s.g.cut(1006, "", false)
		s.wait(5 * time.Second)
		eq(t, "renewals after a reconnect", len(s.win.renewals), n+1)
	})
}

func TestConsoleTriesAgainWhatDidNotCome(t *testing.T) {
	play(t, viewtest.Console, func(w *window, g *gateway) { asAdmin(w, g); w.renewed = 503 }, func(s *scene) {
		eq(t, "renewals", len(s.win.renewals), 1)
		s.win.renewed = 200
		s.wait(21 * time.Second)
		eq(t, "renewals after a tick", len(s.win.renewals), 2)
		s.wait(time.Minute)
		eq(t, "renewals when all is well", len(s.win.renewals), 2)
	})
}

func TestConsoleWritesTimes(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) { // the bubble's clock begins at 2000
		ago, clock := s.win.Root.Find("data-time", "ago")[0], s.win.Root.Find("data-time", "clock")[0]
		eq(t, "the time", clock.Text(), "2000-01-01T00:00:00.000Z")
		s.wait(2*time.Minute + 30*time.Second)
		eq(t, "how long ago", ago.Text(), "2 minutes ago")
	})
}

func TestFilters(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) {
		s.do("filter", "filter")
		eq(t, "asked", s.win.renewals[len(s.win.renewals)-1], "filter")
		s.win.renewed = 0
		s.do("filter", "filter")
		eq(t, "told", s.items("toasts")[0].Slot("text"), "The list could not be loaded. Try again in a moment.")
	})
}

func TestOrders(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) {
		s.g.on("clients.disconnect", `{"disconnected":true}`)
		s.g.refuse("api_keys.revoke", protocol.Refuse(protocol.Unavailable, "the store is busy"))
		s.g.on("chat.abort", `{"ok":true,"aborted":true,"runIds":["r"]}`)
		row := s.win.Root.Find("data-row", "7")[0].(*viewtest.Element)

		s.act("disconnect", row)
		dialog := s.win.Get("disconnect-dialog")
		eq(t, "whom", dialog.Slot("user")+" "+dialog.Slot("browser")+" "+dialog.Slot("address"), "anna Firefox 10.0.0.7")
		eq(t, "nothing yet", len(s.g.calls("clients.disconnect")), 0)
		before := len(s.win.renewals)
		s.act("confirm-disconnect", dialog)
		eq(t, "disconnected", s.g.calls("clients.disconnect")[0].text("id"), "7")
		eq(t, "open", dialog.Opened, false)
		eq(t, "renewals", len(s.win.renewals), before+1)

		s.act("revoke-key", row)
		dialog = s.win.Get("revoke-key-dialog")
		eq(t, "which", dialog.Slot("name")+" "+dialog.Slot("key"), "Report gh_abc123")
		s.act("confirm-revoke-key", dialog)
		eq(t, "revoked", s.g.calls("api_keys.revoke")[0].text("id"), "7")
		eq(t, "open", dialog.Opened, true)
		eq(t, "why not", dialog.Slot("error"), "the store is busy")

		s.act("stop-session", row)
		eq(t, "stopped", s.g.calls("chat.abort")[0].text("sessionKey"), "7")
	})
}

func TestAKeyIsShownOnce(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) {
		dialog := s.win.Get("key-dialog")
		fill := func(name, value string) { dialog.Find("name", name)[0].SetValue(value) }
		s.do("new-key", "new-key")
		fill("name", " Report ")
		fill("user", " anna ")
		s.g.refuse("api_keys.create", protocol.Refuse(protocol.InvalidRequest, "userId must be given"))
		s.act("confirm-key", dialog)
		eq(t, "why not", dialog.Slot("error"), "userId must be given")
		eq(t, "the form", dialog.Attr("data-state"), "form")

		s.g.on("api_keys.create", `{"id":"k","key":"gh_secret","prefix":"gh_sec","name":"Report","userId":"anna","role":"operator"}`)
		s.act("confirm-key", dialog)
		s.act("confirm-key", dialog) // Enter once more
		calls := s.g.calls("api_keys.create")
		eq(t, "calls", len(calls), 2)
		p := calls[1]
		eq(t, "asked for", p.text("name")+" "+p.text("userId")+" "+p.text("role"), "Report anna operator")
		eq(t, "for how long", p["expiresIn"].(float64), 90*24*60*60)
		eq(t, "the key", dialog.Slot("key"), "gh_secret")
		s.act("copy-key", dialog)
		eq(t, "copied", s.win.copied, "gh_secret")
		s.act("close-dialog", withAction("close-dialog"))
		s.wait(time.Minute)
		eq(t, "left on the page", dialog.Slot("key"), "")
	})
}

// withAction is an element with an action, in no document.
func withAction(action string) *viewtest.Element {
	return viewtest.Parse(`<p><button data-action="` + action + `"></button></p>`).Root
}

func TestReloadsTheConfig(t *testing.T) {
	play(t, viewtest.Console, asAdmin, func(s *scene) {
		panel := s.win.Get("reload")
		s.g.on("config.reload", `{"applied":["log.level","gateway.rate_limit_rpm"],"needsRestart":["data_dir"]}`)
		s.do("reload-config", "reload")
		eq(t, "the state", panel.Attr("data-state"), "done")
		eq(t, "in force", panel.Slot("applied")+" / "+panel.Slot("restart"), "log.level, gateway.rate_limit_rpm / data_dir")
		s.g.on("config.reload", `{"applied":[],"needsRestart":[]}`)
		s.do("reload-config", "reload")
		eq(t, "in force", panel.Slot("applied")+" / "+panel.Slot("restart"), "nothing new / ")
		s.g.refuse("config.reload", protocol.Refuse(protocol.InvalidRequest, "log.level: one of debug, info"))
		s.do("reload-config", "reload")
		eq(t, "the state", panel.Attr("data-state")+" "+panel.Slot("error"), "failed log.level: one of debug, info")
	})
}

func TestWhoWaitsIsToldEverywhere(t *testing.T) {
	asAdminOf := func(w *window, g *gateway) {
		asAdmin(w, g)
		w.Document.Root.SetAttr("data-user", "admin")
		withHistory(w, g)
	}
	for name, doc := range map[string]func() *viewtest.Document{"chat": aSession, "admin": viewtest.Admin, "console": viewtest.Console} {
		t.Run(name, func(t *testing.T) {
			play(t, doc, asAdminOf, func(s *scene) {
				eq(t, "the badge", s.win.Get("pending-badge").Text(), "1")
				s.g.event("device.pair.requested", pendingJSON("BBBBBBBB", "Ben’s new one"), 0)
				s.wait(50 * time.Millisecond)
				eq(t, "the badge", s.win.Get("pending-badge").Text(), "2")
				eq(t, "notified", strings.Join(s.win.notified, ", "), "Ben’s new one asks to be let in /admin#BBBBBBBB")
				if !strings.HasPrefix(s.win.title, "(2) ") || !strings.HasSuffix(s.win.title, "Gatehouse") {
					t.Errorf("the title is %q", s.win.title)
				}
				for _, code := range []string{"AAAAAAAA", "BBBBBBBB"} {
					s.g.event("device.pair.resolved", `{"status":"denied","code":"`+code+`"}`, 0)
				}
				s.wait(50 * time.Millisecond)
				eq(t, "the badge", s.win.Get("pending-badge").Text(), "")
				if strings.HasPrefix(s.win.title, "(") {
					t.Errorf("the title is %q", s.win.title)
				}
			})
		})
	}
}

func TestAsksToNotify(t *testing.T) {
	play(t, viewtest.Admin, func(w *window, g *gateway) { asAdmin(w, g); w.notices = "off" }, func(s *scene) {
		eq(t, "the state", s.win.Get("notices").Attr("data-state"), "off")
		s.do("ask-notices", "notices")
		eq(t, "the state", s.win.Get("notices").Attr("data-state"), "on")
	})
}

func TestWhoIsNoAdminLeavesTheConsole(t *testing.T) {
	play(t, viewtest.Console, nil, func(s *scene) {
		eq(t, "done", strings.Join(s.win.visited, " "), "leave /")
		eq(t, "what is left", s.win.Get("console").Inner(), "")
		eq(t, "renewals", len(s.win.renewals), 0)
	})
}
