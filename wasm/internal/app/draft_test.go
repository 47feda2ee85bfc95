//go:build !js

package app

import (
	"testing"
	"time"
)

func TestDraftsOutlastTheTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.compose("half a thou")
		one.wait(time.Second)
		eq(t, "what is kept", storage.names(), "draft/k")
		one.compose("half a thought")
		one.app.Hidden() // the tab ends without further notice
		one.close()
		fresh := open("")
		eq(t, "a new chat's composer", fresh.composerText(), "")
		fresh.compose("of a new chat")
		fresh.app.Hidden()
		fresh.close()

		two, other := open("k"), open("")
		eq(t, "the composer", two.composerText(), "half a thought")
		eq(t, "the replica", two.browser.Get("composer-grow").Attr("data-replica"), "half a thought")
		eq(t, "a new chat's composer", other.composerText(), "of a new chat")
		other.do("send", "composer")
		eq(t, "sent", store.texts(sessionKeyOf(other.browser.path)), "of a new chat")
		eq(t, "what is kept", storage.names(), "draft/k")
		two.do("send", "composer")
		eq(t, "what is kept", storage.names(), "")
		two.close()
		other.close()
		three := open("k")
		eq(t, "the composer", three.composerText(), "")
		three.close()
	})
}

func TestEachSessionHasItsDraft(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.compose("to this one")
		s.act("open-session", s.session("a"))
		eq(t, "the composer", s.composerText(), "")
		s.compose("to the other")
		s.act("open-session", s.session("s"))
		eq(t, "the composer", s.composerText(), "to this one")
		s.act("open-session", s.session("a"))
		eq(t, "the composer", s.composerText(), "to the other")
		eq(t, "what is kept", s.storage.names(), "draft/a draft/s")
	})
}

func TestOtherTabsDoNotChangeAnEditedDraft(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.compose("from one")
		one.wait(time.Second)
		eq(t, "a composer that nobody touched", two.composerText(), "from one")
		two.compose("from one and two")
		one.compose("from one alone")
		one.wait(time.Second)
		eq(t, "one's composer", one.composerText(), "from one alone")
		eq(t, "two's composer", two.composerText(), "from one and two")
		one.do("send", "composer")
		one.wait(time.Second)
		eq(t, "two's composer", two.composerText(), "from one and two")
		eq(t, "sent", store.texts("k"), "from one alone")
		one.close()
		two.close()
	})
}

func TestSendingClearsTheDraftInOtherTabs(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.compose("hello")
		one.wait(time.Second)
		one.do("send", "composer")
		eq(t, "two's composer", two.composerText(), "")
		one.close()
		two.close()
	})
}

func TestStoredDraftDoesNotReplaceTypedText(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.compose("kept")
		s.wait(time.Second)
		win := newFakeBrowser(sessionPage())
		win.Get("composer-input").SetValue("typed while it loads")
		again := openPage(t, win, s.gateway, s.storage)
		eq(t, "the composer", again.composerText(), "typed while it loads")
		again.wait(time.Second)
		eq(t, "what is kept", s.storage.texts["i u"]["draft/s"], "typed while it loads")
		again.close()
	})
}
