//go:build !js

package app

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// withTabs runs a test with tabs of one browser, each with its own connection to one
// gateway, within a synctest bubble. open opens the page of a session in a new tab.
func withTabs(t *testing.T, test func(open func(key string) *harness, storage *fakeStorage,
	store *gatewayStore)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage, store := newFakeStorage(), newGatewayStore()
		test(func(key string) *harness { return openTab(t, key, storage, store, false) }, storage, store)
	})
}

// openTab opens the page of a session in a new tab. If down, the page cannot connect.
func openTab(t *testing.T, key string, storage *fakeStorage, store *gatewayStore, down bool) *harness {
	win := newFakeBrowser(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
	win.path = markup.SessionPath(key)
	storage.mu.Lock()
	storage.opened += 20
	win.random = storage.opened // so that tabs make different keys
	storage.mu.Unlock()
	g := newFakeGateway(t)
	store.serve(g)
	g.down = down
	return openPage(t, win, g, storage)
}

// down cuts the connection until back is called.
func (s *harness) disconnect() {
	s.gateway.cut(1006, "", true)
	s.wait(20 * time.Millisecond)
}

// back lets the page connect again, and waits until it has.
func (s *harness) reconnect() {
	s.gateway.up()
	s.app.Network(true)
	s.wait(3 * time.Second)
}

func TestMessagesOutlastTheTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		for _, text := range []string{"first", "second", "third"} {
			one.send(text)
		}
		eq(t, "the transcript", one.messages(), "waiting: first | waiting: second | waiting: third")
		eq(t, "where they wait", one.browser.Root.Attr("data-keep"), "browser")
		one.close()

		// The browser starts again, on another page.
		other := open("elsewhere")
		other.wait(time.Second)
		eq(t, "sent", store.texts("k"), "first second third")
		eq(t, "what is kept", storage.names(), "")
		eq(t, "the shown transcript", other.messages(), "")
		other.close()
	})
}

func TestSlowStorageIsReadLater(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		one.send("kept over night")
		one.compose("half a thought")
		one.app.Hidden()
		one.close()
		storage.slow = true
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "")
		storage.slow = false
		two.tab.onMessage("", "")
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "kept over night")
		eq(t, "the composer", two.composerText(), "half a thought")
		two.close()
	})
}

func TestMessageIsStoredAtOnce(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.browser.Get("composer-input").SetValue("typed and closed")
		one.app.Act("send", one.browser.Get("composer"))
		eq(t, "what is kept", strings.Count(storage.names(), messagePrefix), 1)
		one.close()
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "typed and closed")
		eq(t, "the transcript", two.messages(), "complete: typed and closed")
		two.close()
	})
}

func TestLostAckMakesNoSecondMessage(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.gateway.answer("chat.send", func(p params) (string, *protocol.Error) {
			store.send(p)
			one.gateway.cut(1006, "", true) // the message is stored, but the answer is lost
			return noAnswer, nil
		})
		one.send("once")
		one.close()
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "once")
		eq(t, "the transcript", two.messages(), "complete: once")
		eq(t, "what is kept", storage.names(), "")
		two.close()
	})
}

func TestUnsentMessageIsNotTakenForAnOlderEqualOne(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.send("yes")
		one.disconnect()
		one.send("yes")
		one.send("yes")
		one.close()
		two := openTab(t, "k", storage, store, false)
		two.wait(time.Second)
		eq(t, "sent", store.texts("k"), "yes yes yes")
		eq(t, "the transcript", two.messages(), "complete: yes | complete: yes | complete: yes")
		two.close()
	})
}

func TestNewChatThatOnlyThisBrowserHas(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("")
		one.disconnect()
		one.send("the first")
		key := sessionKeyOf(one.browser.path)
		one.close()
		// The gateway renders the page of a session that it does not have.
		win := newFakeBrowser(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
		win.Root.SetAttr("data-state", "gone")
		win.path = markup.SessionPath(key)
		g := newFakeGateway(t)
		store.serve(g)
		g.down = true
		two := openPage(t, win, g, storage)
		eq(t, "the state", two.state(), "ready")
		eq(t, "the transcript", two.messages(), "waiting: the first")
		eq(t, "the list", two.labels(), "")
		two.reconnect()
		eq(t, "the transcript", two.messages(), "complete: the first")
		eq(t, "sent", store.texts(key), "the first")
		two.close()
	})
}

// The storage may be so slow that the page is connected before it has read the message.
// The message may then be stored before the gateway answers NOT_FOUND for its session.
func TestNewChatFromSlowStorage(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := openTab(t, "", storage, store, true)
		one.send("the first")
		key := sessionKeyOf(one.browser.path)
		one.close()
		win := newFakeBrowser(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
		win.Root.SetAttr("data-state", "gone")
		win.path = markup.SessionPath(key)
		g := newFakeGateway(t)
		store.serve(g)
		storage.slow = true
		two := openPage(t, win, g, storage)
		eq(t, "the state", two.state(), "gone")
		storage.slow = false
		refused := false
		g.answer("chat.history", func(p params) (string, *protocol.Error) {
			if !refused {
				refused = true
				return "", protocol.Refuse(protocol.NotFound, "no such session")
			}
			return store.history(p)
		})
		two.tab.onMessage("", "")
		two.wait(time.Second)
		eq(t, "the state", two.state(), "ready")
		eq(t, "the transcript", two.messages(), "complete: the first")
		eq(t, "the address's log", two.browser.Root.Attr("data-last-seq"), "1")
		two.close()
	})
}

func TestListsChatsThatAreNotSentYet(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("")
		one.disconnect()
		one.send("the first")
		eq(t, "the list", one.labels(), "[New chat]")
		one.close()
	})
}

func TestTwoTabsShareOneOutbox(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.disconnect()
		two.disconnect()
		one.send("from one")
		two.send("from two")
		one.send("from one again")
		const all = "waiting: from one | waiting: from two | waiting: from one again"
		eq(t, "one's transcript", one.messages(), all)
		eq(t, "two's transcript", two.messages(), all)
		two.gateway.up()
		one.gateway.up()
		two.app.Network(true)
		one.app.Network(true)
		one.wait(5 * time.Second)
		eq(t, "sent", store.texts("k"), "from one from two from one again")
		const sent = "complete: from one | complete: from two | complete: from one again"
		eq(t, "one's transcript", one.messages(), sent)
		eq(t, "two's transcript", two.messages(), sent)
		eq(t, "requests", len(one.gateway.calls("chat.send"))+len(two.gateway.calls("chat.send")), 3)
		eq(t, "what is kept", storage.names(), "")
		one.close()
		two.close()
	})
}

func TestTabSendsForAnotherTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("elsewhere")
		one.disconnect()
		one.send("help")
		one.wait(2 * time.Second)
		eq(t, "sent", store.texts("k"), "help")
		eq(t, "one's transcript", one.messages(), "complete: help")
		eq(t, "by", len(two.gateway.calls("chat.send")), 1)
		one.close()
		two.close()
	})
}

func TestFrozenTabDoesNotBlockOthers(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.gateway.answer("chat.send", nil) // the tab is frozen while it sends
		one.send("first")
		eq(t, "has the turn", storage.lockQueue[0] == one.tab, true)
		two.send("second")
		two.wait(6 * time.Second)
		eq(t, "sent", store.texts("k"), "first second")
		eq(t, "two's transcript", two.messages(), "complete: first | complete: second")
		eq(t, "one's transcript", one.messages(), "complete: first | complete: second")
		one.disconnect()
		one.close()
		two.close()
	})
}

func TestTabsWithoutMessagesBetweenThemSendOnce(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		storage.isolated = true
		one, two := open("k"), open("k")
		one.disconnect()
		two.disconnect()
		one.send("a")
		two.send("b")
		one.send("c")
		two.reconnect()
		one.reconnect()
		eq(t, "sent", store.texts("k"), "a b c")
		eq(t, "one's transcript", one.messages(), "complete: a | complete: b | complete: c")
		eq(t, "two's transcript", two.messages(), "complete: a | complete: b | complete: c")
		one.close()
		two.close()
	})
}

func TestMessageTakenBackIsNotSentByAnotherTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.disconnect()
		two.disconnect()
		one.send("no")
		one.send("yes")
		two.act("take-back", two.browser.Get("messages").Elements()[0])
		eq(t, "two's composer", two.composerText(), "no")
		eq(t, "one's transcript", one.messages(), "waiting: yes")
		one.reconnect()
		two.reconnect()
		eq(t, "sent", store.texts("k"), "yes")
		one.close()
		two.close()
	})
}

func TestSentMessageCannotBeTakenBack(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.gateway.answer("chat.send", nil)
		one.send("perhaps")
		one.disconnect()
		eq(t, "the transcript", one.messages(), "waiting: perhaps")
		one.act("take-back", one.last())
		eq(t, "the composer", one.composerText(), "")
		eq(t, "the transcript", one.messages(), "waiting: perhaps")
		if !strings.Contains(one.notices(), "may have reached the gateway") {
			t.Errorf("the notice reads %q", one.notices())
		}
		one.close()
	})
}

func TestFullSessionDoesNotBlockOthers(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		one.send("to k")
		two := openTab(t, "", storage, store, true)
		two.send("to another")
		other := sessionKeyOf(two.browser.path)
		two.close()
		full := true
		one.gateway.answer("chat.send", func(p params) (string, *protocol.Error) {
			if full && p.text("sessionKey") == "k" {
				return "", protocol.Exhausted("this session has 10 messages waiting", 5000)
			}
			return store.send(p)
		})
		one.reconnect()
		eq(t, "sent to the other", store.texts(other), "to another")
		eq(t, "the transcript", one.messages(), "paused: to k")
		full = false
		one.wait(6 * time.Second)
		eq(t, "sent", store.texts("k"), "to k")
		one.close()
	})
}

// refuseSessionK has the gateway refuse messages to session k, as that of another user.
func (s *gatewayStore) refuseSessionK(g *fakeGateway) {
	g.answer("chat.send", func(p params) (string, *protocol.Error) {
		if p.text("sessionKey") == "k" {
			return "", protocol.Refuse(protocol.Forbidden, "session does not belong to user")
		}
		return s.send(p)
	})
}

func TestRefusedInAnotherSessionIsShownAndRecoverable(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		store.refuseSessionK(one.gateway)
		one.send("mine")
		eq(t, "in its session", one.messages(), "unsent: mine")
		one.close()

		two := open("elsewhere")
		store.refuseSessionK(two.gateway)
		two.wait(time.Second)
		eq(t, "sends by itself", len(two.gateway.calls("chat.send")), 0)
		list := two.browser.Get("unsent").Elements()
		if len(list) != 1 {
			t.Fatalf("the list is %s", two.browser.Get("unsent").HTML())
		}
		eq(t, "the text", list[0].Slot("text"), "mine")
		eq(t, "the reason", list[0].Slot("error"), "session does not belong to user")
		two.act("resend-message", list[0])
		eq(t, "sends", len(two.gateway.calls("chat.send")), 1)
		two.compose("else")
		two.act("take-back", two.browser.Get("unsent").Elements()[0])
		eq(t, "the composer", two.composerText(), "mine\n\nelse")
		eq(t, "the list", len(two.browser.Get("unsent").Elements()), 0)
		two.wait(time.Second)
		eq(t, "what is kept", storage.names(), "draft/elsewhere")
		two.close()
	})
}

func TestUnsentMessagesOfADeletedSession(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("elsewhere")
		one.disconnect()
		two := open("k")
		two.disconnect()
		two.send("too late")
		two.close()
		store.refuseSessionK(one.gateway)
		one.gateway.answer("chat.send", nil)
		one.app.loop.do(func() {
			one.app.page.event(protocol.Frame{Event: "session.updated",
				Payload: []byte(`{"sessionKey":"k","change":"deleted"}`)})
		})
		one.wait(50 * time.Millisecond)
		eq(t, "the list", one.browser.Get("unsent").Elements()[0].Slot("text"), "too late")
		one.close()
	})
}

func TestStorageIsFull(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		storage.full = true
		one.send("a long one")
		eq(t, "the transcript", one.messages(), "waiting: a long one")
		eq(t, "where it waits", one.browser.Root.Attr("data-keep"), "tab")
		if !strings.Contains(one.notices(), "no room left") {
			t.Errorf("the notice reads %q", one.notices())
		}
		one.reconnect()
		eq(t, "sent", store.texts("k"), "a long one")
		eq(t, "where messages wait", one.browser.Root.Attr("data-keep"), "browser")
		one.close()
	})
}

func TestPrivateWindow(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		storage.broken = true
		one := open("k")
		one.send("sent at once")
		eq(t, "sent", store.texts("k"), "sent at once")
		eq(t, "notices", one.notices(), "")
		one.disconnect()
		one.send("a")
		one.send("b")
		if n := strings.Count(one.notices(), "lost when the tab is closed"); n != 1 {
			t.Errorf("told %d times: %q", n, one.notices())
		}
		eq(t, "where they wait", one.browser.Root.Attr("data-keep"), "tab")
		one.reconnect()
		eq(t, "sent", store.texts("k"), "sent at once a b")
		one.close()
	})
}

func TestSignsOutOfEveryTab(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two, away := open("k"), open("k"), open("elsewhere")
		for _, s := range []*harness{one, two, away} {
			s.disconnect()
		}
		one.send("secret one")
		two.send("secret two")
		two.compose("secret draft")
		two.wait(time.Second)
		away.act("sign-out", away.signOutButton())
		eq(t, "the warning", away.browser.Get("sign-out-dialog").Slot("unsent"), "2")
		away.act("confirm-sign-out", away.browser.Get("sign-out-dialog"))
		away.wait(time.Second)
		eq(t, "done", away.browser.navigations[len(away.browser.navigations)-1], "leave /")
		for _, s := range []*harness{one, two} {
			eq(t, "the state", s.state(), "signed-out")
			eq(t, "the transcript", s.messages(), "")
			eq(t, "the composer", s.composerText(), "")
			eq(t, "in memory", s.unsentInMemory(), 0)
			s.app.Hidden()
		}
		eq(t, "what is kept", storage.names(), "")
		for _, s := range []*harness{one, two, away} {
			s.close()
		}
		eq(t, "what is kept after all are closed", storage.names(), "")
	})
}

// The gateway revokes the credential of a browser that signs out, and closes its
// connections with that reason.
func TestSignOutIsNotShownAsARevocation(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		two.compose("secret")
		two.app.Hidden()
		one.browser.fetch = func(string, string) (int, string) {
			one.gateway.cut(1008, "pairing revoked", true)
			two.gateway.cut(1008, "pairing revoked", true)
			time.Sleep(50 * time.Millisecond)
			return 204, ""
		}
		one.act("confirm-sign-out", one.browser.Get("sign-out-dialog"))
		one.wait(time.Second)
		eq(t, "the state", one.state(), "signed-out")
		eq(t, "done", one.browser.navigations[len(one.browser.navigations)-1], "leave /")
		eq(t, "the other tab's state", two.state(), "signed-out")
		eq(t, "what is kept", storage.names(), "")
		one.close()
		two.close()
	})
}

// signOutButton returns an element with the action of the sidebar's button.
func (s *harness) signOutButton() *viewtest.Element {
	s.browser.Root.SetAttr("data-action", "sign-out")
	return s.browser.Root
}

func (s *harness) unsentInMemory() (n int) {
	s.app.loop.do(func() { n = s.app.base.countUnsent(nil, true) })
	return n
}

func TestRevocationPurgesTheStorage(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one, two := open("k"), open("k")
		one.disconnect()
		one.gateway.up()
		two.disconnect()
		two.send("secret")
		storage.texts["i somebody"] = map[string]string{"out/x": "theirs"}
		one.gateway.answer("connect", nil)
		one.app.Network(true)
		one.wait(50 * time.Millisecond)
		one.gateway.cut(1008, "pairing revoked", true)
		one.wait(time.Second)
		eq(t, "the state", one.state(), "revoked")
		eq(t, "the other tab's state", two.state(), "revoked")
		eq(t, "what is kept", storage.names(), "")
		eq(t, "of somebody else", len(storage.texts["i somebody"]), 1)
		one.close()
		two.close()
	})
}

func TestLostCredentialPurgesNothing(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		one := open("k")
		one.disconnect()
		one.send("kept")
		one.gateway.on("connect", `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","expires_at":"","server":{"name":"g","version":"1"}}`)
		one.reconnect()
		eq(t, "done", one.browser.navigations[len(one.browser.navigations)-1], "leave /")
		eq(t, "what is kept", strings.Count(storage.names(), messagePrefix), 1)
		one.close()
	})
}

func TestRevokedPairingPageUserPurgesTheInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage := newFakeStorage()
		storage.texts["i u"] = map[string]string{"out/x": "x"}
		storage.texts["another u"] = map[string]string{"out/x": "x"}
		g := newFakeGateway(t)
		refused := protocol.Refuse(protocol.NotPaired, "revoked")
		refused.Details = &protocol.ErrorDetails{Status: protocol.PairingRevoked}
		g.refuse("connect", refused)
		s := openPage(t, newFakeBrowser(viewtest.Pairing()), g, storage)
		eq(t, "the state", s.state(), "revoked")
		eq(t, "what is kept", storage.names(), "")
		eq(t, "of another instance", len(storage.texts["another u"]), 1)
		s.close()
	})
}

func TestAdminPageCountsAndPurges(t *testing.T) {
	withTabs(t, func(open func(string) *harness, storage *fakeStorage, store *gatewayStore) {
		storage.texts["i admin"] = map[string]string{"out/x": "{}", "out/y": "{}", "draft/": "z"}
		g := newFakeGateway(t)
		s := openPage(t, newFakeBrowser(viewtest.Admin()), g, storage)
		s.act("sign-out", s.signOutButton())
		eq(t, "the warning", s.browser.Get("sign-out-dialog").Slot("unsent"), "2")
		s.act("confirm-sign-out", s.browser.Get("sign-out-dialog"))
		eq(t, "what is kept", len(storage.texts["i admin"]), 0)
		s.close()
	})
}

// Whatever happens to two tabs, each message is sent exactly once, in the order of
// typing.
func TestTabsSendEachMessageOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 11), 5, 25).Draw(rt, "steps")
		mute, broken := rapid.Bool().Draw(rt, "mute"), false
		synctest.Test(t, func(t *testing.T) {
			storage, store := newFakeStorage(), newGatewayStore()
			storage.isolated, storage.broken = mute, broken
			all := []*harness{openTab(t, "k", storage, store, false), openTab(t, "k", storage, store, false)}
			var typed []string
			for _, step := range steps {
				i := step % 2
				s := all[i]
				switch step / 2 {
				case 0, 1:
					text := fmt.Sprint("m", len(typed))
					typed = append(typed, text)
					s.send(text)
				case 2:
					s.disconnect()
				case 3:
					s.reconnect()
				case 4: // the tab is closed, and another opened
					s.close()
					all[i] = openTab(t, "k", storage, store, false)
				case 5: // answers are lost
					s.gateway.answer("chat.send", func(p params) (string, *protocol.Error) {
						_, _ = store.send(p)
						s.gateway.answer("chat.send", store.send)
						s.gateway.cut(1006, "", false)
						return noAnswer, nil
					})
				}
			}
			for range 2 {
				for _, s := range all {
					s.reconnect()
					s.wait(40 * time.Second)
				}
			}
			if got, want := store.texts("k"), strings.Join(typed, " "); got != want {
				rt.Errorf("sent %q, typed %q", got, want)
			}
			want := ""
			for _, text := range typed {
				want += " | complete: " + text
			}
			for _, s := range all {
				if got := s.messages(); got != strings.TrimPrefix(want, " | ") {
					rt.Errorf("a tab shows %q of %q", got, typed)
				}
				s.close()
			}
			if names := storage.names(); names != "" {
				rt.Errorf("kept is %s", names)
			}
		})
	})
}
