//go:build !js

package app

import (
	"testing"
	"time"
)

// TestComposerGetsTheFocus checks after which actions the user can go on writing at once.
func TestComposerGetsTheFocus(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.accept("accepted")
		s.gateway.on("chat.abort", `{"aborted":true}`)
		for name, act := range map[string]func(){
			"stop":        func() { s.do("stop-run", "composer") },
			"send":        func() { s.send("hello") },
			"open a chat": func() { s.act("open-session", s.session("a")) },
			"new chat": func() {
				s.app.Act("new-session", s.browser.Root)
				s.wait(50 * time.Millisecond)
			},
			"latest": func() { s.do("jump-latest", "jump-latest") },
		} {
			s.browser.Focused = nil
			act()
			if s.browser.Focused != s.browser.Get("composer-input") {
				t.Errorf("after %q the composer has no focus", name)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		dialog := s.browser.Get("settings-dialog")
		checked := func() (values string) {
			for _, radio := range dialog.Elements() {
				if radio.Checked {
					values += radio.Attr("value") + " "
				}
			}
			return values
		}
		s.browser.enterKey = "auto"
		s.do("settings", "settings")
		eq(t, "the dialog", dialog.Opened, true)
		eq(t, "Enter", checked(), "auto ")
		newline := dialog.Elements()[2]
		newline.SetValue("newline")
		s.act("set-enter", newline)
		eq(t, "what is kept", s.browser.enterKey, "newline")
		s.do("settings", "settings")
		eq(t, "Enter", checked(), "newline ")
	})
}
