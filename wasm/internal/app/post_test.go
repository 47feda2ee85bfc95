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

// tabs opens pages of one browser, each with its own connection to one gateway,
// within a synctest bubble.
func tabs(t *testing.T, test func(open func(key string) *scene, kept *shelf, l *ledger)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept, l := newShelf(), newLedger()
		test(func(key string) *scene { return openTab(t, key, kept, l, false) }, kept, l)
	})
}

// openTab opens the page of a session; down says that the network goes as soon as
// the page is there.
func openTab(t *testing.T, key string, kept *shelf, l *ledger, down bool) *scene {
	win := newWindow(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
	win.path = markup.SessionPath(key)
	kept.mu.Lock()
	kept.opened += 20
	win.random = kept.opened // tabs make different keys
	kept.mu.Unlock()
	g := newGateway(t)
	l.serve(g)
	g.down = down
	return openScene(t, win, g, kept)
}

// down cuts the connection for good.
func (s *scene) down() {
	s.g.cut(1006, "", true)
	s.wait(20 * time.Millisecond)
}

// back lets the page connect again, and waits until it has.
func (s *scene) back() {
	s.g.up()
	s.app.Network(true)
	s.wait(3 * time.Second)
}

func TestSurvivesClosingTheTab(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.down()
		for _, text := range []string{"first", "second", "third"} {
			one.write(text)
		}
		eq(t, "the transcript", one.messages(), "waiting: first | waiting: second | waiting: third")
		eq(t, "where they wait", one.win.Root.Attr("data-keep"), "browser")
		one.leave()

		// The browser starts again, on another page.
		other := open("elsewhere")
		other.wait(time.Second)
		eq(t, "sent", l.texts("k"), "first second third")
		eq(t, "what is kept", kept.names(), "")
		eq(t, "the shown transcript", other.messages(), "")
		other.leave()
	})
}

func TestSlowStorageIsReadWhenItIsThere(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.down()
		one.write("kept over night")
		one.compose("half a thought")
		one.app.Rest()
		one.leave()
		kept.slow = true
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", l.texts("k"), "")
		kept.slow = false
		two.keeper.told("", "")
		two.wait(time.Second)
		eq(t, "sent", l.texts("k"), "kept over night")
		eq(t, "the composer", two.composed(), "half a thought")
		two.leave()
	})
}

func TestIsSafeFromEnterOn(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.win.Get("composer-input").SetValue("typed and closed")
		one.app.Act("send", one.win.Get("composer"))
		eq(t, "what is kept", strings.Count(kept.names(), nameMessage), 1)
		one.leave()
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", l.texts("k"), "typed and closed")
		eq(t, "the transcript", two.messages(), "complete: typed and closed")
		two.leave()
	})
}

func TestALostAnswerMakesNoSecondMessage(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.g.answer("chat.send", func(p params) (string, *protocol.Error) {
			l.send(p)
			one.g.cut(1006, "", true) // taken, but nobody hears of it
			return silence, nil
		})
		one.write("once")
		one.leave()
		two := open("k")
		two.wait(time.Second)
		eq(t, "sent", l.texts("k"), "once")
		eq(t, "the transcript", two.messages(), "complete: once")
		eq(t, "what is kept", kept.names(), "")
		two.leave()
	})
}

func TestAKeptMessageIsNotTakenForAnOlderOneLikeIt(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.write("yes")
		one.down()
		one.write("yes")
		one.write("yes")
		one.leave()
		two := openTab(t, "k", kept, l, false)
		two.wait(time.Second)
		eq(t, "sent", l.texts("k"), "yes yes yes")
		eq(t, "the transcript", two.messages(), "complete: yes | complete: yes | complete: yes")
		two.leave()
	})
}

func TestNewChatThatNobodyKnowsYet(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("")
		one.down()
		one.write("the first")
		key := keyOf(one.win.path)
		one.leave()
		// The gateway renders the page of what it does not know.
		win := newWindow(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
		win.Root.SetAttr("data-state", "gone")
		win.path = markup.SessionPath(key)
		g := newGateway(t)
		l.serve(g)
		g.down = true
		two := openScene(t, win, g, kept)
		eq(t, "the state", two.state(), "ready")
		eq(t, "the transcript", two.messages(), "waiting: the first")
		eq(t, "the list", two.labels(), "")
		two.back()
		eq(t, "the transcript", two.messages(), "complete: the first")
		eq(t, "sent", l.texts(key), "the first")
		two.leave()
	})
}

// What is kept may be read only when the page is connected already, and the
// message may be taken before the gateway has said that it knows no such session.
func TestNewChatThatIsReadLate(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := openTab(t, "", kept, l, true)
		one.write("the first")
		key := keyOf(one.win.path)
		one.leave()
		win := newWindow(viewtest.Chat(`data-session-key="`+key+`" data-epoch="" data-last-seq="0" data-has-more="false"`, "", ""))
		win.Root.SetAttr("data-state", "gone")
		win.path = markup.SessionPath(key)
		g := newGateway(t)
		l.serve(g)
		kept.slow = true
		two := openScene(t, win, g, kept)
		eq(t, "the state", two.state(), "gone")
		kept.slow = false
		refused := false
		g.answer("chat.history", func(p params) (string, *protocol.Error) {
			if !refused {
				refused = true
				return "", protocol.Refuse(protocol.NotFound, "no such session")
			}
			return l.history(p)
		})
		two.keeper.told("", "")
		two.wait(time.Second)
		eq(t, "the state", two.state(), "ready")
		eq(t, "the transcript", two.messages(), "complete: the first")
		eq(t, "the address's log", two.win.Root.Attr("data-last-seq"), "1")
		two.leave()
	})
}

func TestListsChatsThatAreNotSentYet(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("")
		one.down()
		one.write("the first")
		eq(t, "the list", one.labels(), "[New chat]")
		one.leave()
	})
}

func TestTwoTabsShareOneOutbox(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("k")
		one.down()
		two.down()
		one.write("from one")
		two.write("from two")
		one.write("from one again")
		const all = "waiting: from one | waiting: from two | waiting: from one again"
		eq(t, "one's transcript", one.messages(), all)
		eq(t, "two's transcript", two.messages(), all)
		two.g.up()
		one.g.up()
		two.app.Network(true)
		one.app.Network(true)
		one.wait(5 * time.Second)
		eq(t, "sent", l.texts("k"), "from one from two from one again")
		const sent = "complete: from one | complete: from two | complete: from one again"
		eq(t, "one's transcript", one.messages(), sent)
		eq(t, "two's transcript", two.messages(), sent)
		eq(t, "requests", len(one.g.calls("chat.send"))+len(two.g.calls("chat.send")), 3)
		eq(t, "what is kept", kept.names(), "")
		one.leave()
		two.leave()
	})
}

func TestATabSendsWhatAnotherOneCannot(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("elsewhere")
		one.down()
		one.write("help")
		one.wait(2 * time.Second)
		eq(t, "sent", l.texts("k"), "help")
		eq(t, "one's transcript", one.messages(), "complete: help")
		eq(t, "by", len(two.g.calls("chat.send")), 1)
		one.leave()
		two.leave()
	})
}

func TestAFrozenTabStopsNobody(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("k")
		one.g.answer("chat.send", nil) // it is frozen in the middle
		one.write("first")
		eq(t, "has the turn", kept.turns[0] == one.keeper, true)
		two.write("second")
		two.wait(6 * time.Second)
		eq(t, "sent", l.texts("k"), "first second")
		eq(t, "two's transcript", two.messages(), "complete: first | complete: second")
		eq(t, "one's transcript", one.messages(), "complete: first | complete: second")
		one.down()
		one.leave()
		two.leave()
	})
}

func TestTabsThatHearNothingOfEachOtherSendOnce(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		kept.mute = true
		one, two := open("k"), open("k")
		one.down()
		two.down()
		one.write("a")
		two.write("b")
		one.write("c")
		two.back()
		one.back()
		eq(t, "sent", l.texts("k"), "a b c")
		eq(t, "one's transcript", one.messages(), "complete: a | complete: b | complete: c")
		eq(t, "two's transcript", two.messages(), "complete: a | complete: b | complete: c")
		one.leave()
		two.leave()
	})
}

func TestTakenBackInOneTabIsNotSentByAnother(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("k")
		one.down()
		two.down()
		one.write("no")
		one.write("yes")
		two.act("take-back", two.win.Get("messages").Elements()[0])
		eq(t, "two's composer", two.composed(), "no")
		eq(t, "one's transcript", one.messages(), "waiting: yes")
		one.back()
		two.back()
		eq(t, "sent", l.texts("k"), "yes")
		one.leave()
		two.leave()
	})
}

func TestWhatTheGatewayMayHaveIsNotTakenBack(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.g.answer("chat.send", nil)
		one.write("perhaps")
		one.down()
		eq(t, "the transcript", one.messages(), "waiting: perhaps")
		one.act("take-back", one.last())
		eq(t, "the composer", one.composed(), "")
		eq(t, "the transcript", one.messages(), "waiting: perhaps")
		if !strings.Contains(one.notices(), "may have reached the gateway") {
			t.Errorf("the notice reads %q", one.notices())
		}
		one.leave()
	})
}

func TestAFullSessionStopsNoOther(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.down()
		one.write("to k")
		two := openTab(t, "", kept, l, true)
		two.write("to another")
		other := keyOf(two.win.path)
		two.leave()
		full := true
		one.g.answer("chat.send", func(p params) (string, *protocol.Error) {
			if full && p.text("sessionKey") == "k" {
				return "", protocol.Exhausted("this session has 10 messages waiting", 5000)
			}
			return l.send(p)
		})
		one.back()
		eq(t, "sent to the other", l.texts(other), "to another")
		eq(t, "the transcript", one.messages(), "paused: to k")
		full = false
		one.wait(6 * time.Second)
		eq(t, "sent", l.texts("k"), "to k")
		one.leave()
	})
}

// refusing is a gateway where session k is somebody else's.
func (l *ledger) refusing(g *gateway) {
	g.answer("chat.send", func(p params) (string, *protocol.Error) {
		if p.text("sessionKey") == "k" {
			return "", protocol.Refuse(protocol.Forbidden, "session does not belong to user")
		}
		return l.send(p)
	})
}

func TestRefusedInAnotherSessionIsShownAndRecoverable(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		l.refusing(one.g)
		one.write("mine")
		eq(t, "in its session", one.messages(), "unsent: mine")
		one.leave()

		two := open("elsewhere")
		l.refusing(two.g)
		two.wait(time.Second)
		eq(t, "sends by itself", len(two.g.calls("chat.send")), 0)
		list := two.win.Get("unsent").Elements()
		if len(list) != 1 {
			t.Fatalf("the list is %s", two.win.Get("unsent").HTML())
		}
		eq(t, "the text", list[0].Slot("text"), "mine")
		eq(t, "the reason", list[0].Slot("error"), "session does not belong to user")
		two.act("resend-message", list[0])
		eq(t, "sends", len(two.g.calls("chat.send")), 1)
		two.compose("else")
		two.act("take-back", two.win.Get("unsent").Elements()[0])
		eq(t, "the composer", two.composed(), "mine\n\nelse")
		eq(t, "the list", len(two.win.Get("unsent").Elements()), 0)
		two.wait(time.Second)
		eq(t, "what is kept", kept.names(), "draft/elsewhere")
		two.leave()
	})
}

func TestDeletedSessionLeavesItsMessagesToTheirWriter(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("elsewhere")
		one.down()
		two := open("k")
		two.down()
		two.write("too late")
		two.leave()
		l.refusing(one.g)
		one.g.answer("chat.send", nil)
		one.app.loop.do(func() {
			one.app.page.event(protocol.Frame{Event: "session.updated", Payload: []byte(`{"sessionKey":"k","change":"deleted"}`)})
		})
		one.wait(50 * time.Millisecond)
		eq(t, "the list", one.win.Get("unsent").Elements()[0].Slot("text"), "too late")
		one.leave()
	})
}

func TestNoRoomToKeep(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.down()
		kept.full = true
		one.write("a long one")
		eq(t, "the transcript", one.messages(), "waiting: a long one")
		eq(t, "where it waits", one.win.Root.Attr("data-keep"), "tab")
		if !strings.Contains(one.notices(), "no room left") {
			t.Errorf("the notice reads %q", one.notices())
		}
		one.back()
		eq(t, "sent", l.texts("k"), "a long one")
		eq(t, "where messages wait", one.win.Root.Attr("data-keep"), "browser")
		one.leave()
	})
}

func TestNothingIsKeptInAPrivateWindow(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		kept.broken = true
		one := open("k")
		one.write("sent at once")
		eq(t, "sent", l.texts("k"), "sent at once")
		eq(t, "notices", one.notices(), "")
		one.down()
		one.write("a")
		one.write("b")
		if n := strings.Count(one.notices(), "lost when the tab is closed"); n != 1 {
			t.Errorf("told %d times: %q", n, one.notices())
		}
		eq(t, "where they wait", one.win.Root.Attr("data-keep"), "tab")
		one.back()
		eq(t, "sent", l.texts("k"), "sent at once a b")
		one.leave()
	})
}

func TestSignsOutOfEveryTab(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two, away := open("k"), open("k"), open("elsewhere")
		for _, s := range []*scene{one, two, away} {
			s.down()
		}
		one.write("secret one")
		two.write("secret two")
		two.compose("secret draft")
		two.wait(time.Second)
		away.act("sign-out", away.signOutButton())
		eq(t, "the warning", away.win.Get("sign-out-dialog").Slot("unsent"), "2")
		away.act("confirm-sign-out", away.win.Get("sign-out-dialog"))
		away.wait(time.Second)
		eq(t, "done", away.win.visited[len(away.win.visited)-1], "leave /")
		for _, s := range []*scene{one, two} {
			eq(t, "the state", s.state(), "signed-out")
			eq(t, "the transcript", s.messages(), "")
			eq(t, "the composer", s.composed(), "")
			eq(t, "in memory", s.unsentInMemory(), 0)
			s.app.Rest()
		}
		eq(t, "what is kept", kept.names(), "")
		for _, s := range []*scene{one, two, away} {
			s.leave()
		}
		eq(t, "what is kept after all are closed", kept.names(), "")
	})
}

// The gateway revokes what is signed out, and closes its connections so.
func TestSigningOutIsNoRevocation(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("k")
		two.compose("secret")
		two.app.Rest()
		one.win.fetch = func(string, string) (int, string) {
			one.g.cut(1008, "pairing revoked", true)
			two.g.cut(1008, "pairing revoked", true)
			time.Sleep(50 * time.Millisecond)
			return 204, ""
		}
		one.act("confirm-sign-out", one.win.Get("sign-out-dialog"))
		one.wait(time.Second)
		eq(t, "the state", one.state(), "signed-out")
		eq(t, "done", one.win.visited[len(one.win.visited)-1], "leave /")
		eq(t, "the other tab's state", two.state(), "signed-out")
		eq(t, "what is kept", kept.names(), "")
		one.leave()
		two.leave()
	})
}

// signOutButton is the one in the sidebar.
func (s *scene) signOutButton() *viewtest.Element {
	s.win.Root.SetAttr("data-action", "sign-out")
	return s.win.Root
}

func (s *scene) unsentInMemory() (n int) {
	s.app.loop.do(func() { n = s.app.shell.count(nil, true) })
	return n
}

func TestRevokedPurgesWhatIsKept(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one, two := open("k"), open("k")
		one.down()
		one.g.up()
		two.down()
		two.write("secret")
		kept.texts["i somebody"] = map[string]string{"out/x": "theirs"}
		one.g.answer("connect", nil)
		one.app.Network(true)
		one.wait(50 * time.Millisecond)
		one.g.cut(1008, "pairing revoked", true)
		one.wait(time.Second)
		eq(t, "the state", one.state(), "revoked")
		eq(t, "the other tab's state", two.state(), "revoked")
		eq(t, "what is kept", kept.names(), "")
		eq(t, "of somebody else", len(kept.texts["i somebody"]), 1)
		one.leave()
		two.leave()
	})
}

func TestLosingTheCredentialPurgesNothing(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		one := open("k")
		one.down()
		one.write("kept")
		one.g.on("connect", `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","expires_at":"","server":{"name":"g","version":"1"}}`)
		one.back()
		eq(t, "done", one.win.visited[len(one.win.visited)-1], "leave /")
		eq(t, "what is kept", strings.Count(kept.names(), nameMessage), 1)
		one.leave()
	})
}

func TestRevokedAtTheGatePurgesTheInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := newShelf()
		kept.texts["i u"] = map[string]string{"out/x": "x"}
		kept.texts["another u"] = map[string]string{"out/x": "x"}
		g := newGateway(t)
		refused := protocol.Refuse(protocol.NotPaired, "revoked")
		refused.Details = &protocol.ErrorDetails{Status: protocol.PairingRevoked}
		g.refuse("connect", refused)
		s := openScene(t, newWindow(viewtest.Gate()), g, kept)
		eq(t, "the state", s.state(), "revoked")
		eq(t, "what is kept", kept.names(), "")
		eq(t, "of another instance", len(kept.texts["another u"]), 1)
		s.leave()
	})
}

func TestAdminPageCountsAndPurges(t *testing.T) {
	tabs(t, func(open func(string) *scene, kept *shelf, l *ledger) {
		kept.texts["i admin"] = map[string]string{"out/x": "{}", "out/y": "{}", "draft/": "z"}
		g := newGateway(t)
		s := openScene(t, newWindow(viewtest.Admin()), g, kept)
		s.act("sign-out", s.signOutButton())
		eq(t, "the warning", s.win.Get("sign-out-dialog").Slot("unsent"), "2")
		s.act("confirm-sign-out", s.win.Get("sign-out-dialog"))
		eq(t, "what is kept", len(kept.texts["i admin"]), 0)
		s.leave()
	})
}

// Whatever two tabs go through, each message is sent once, and each session's in
// the order in which they were typed.
func TestTabsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 11), 5, 25).Draw(rt, "steps")
		mute, broken := rapid.Bool().Draw(rt, "mute"), false
		synctest.Test(t, func(t *testing.T) {
			kept, l := newShelf(), newLedger()
			kept.mute, kept.broken = mute, broken
			all := []*scene{openTab(t, "k", kept, l, false), openTab(t, "k", kept, l, false)}
			var typed []string
			for _, step := range steps {
				i := step % 2
				s := all[i]
				switch step / 2 {
				case 0, 1:
					text := fmt.Sprint("m", len(typed))
					typed = append(typed, text)
					s.write(text)
				case 2:
					s.down()
				case 3:
					s.back()
				case 4: // the tab is closed, and another opened
					s.leave()
					all[i] = openTab(t, "k", kept, l, false)
				case 5: // answers are lost
					s.g.answer("chat.send", func(p params) (string, *protocol.Error) {
						_, _ = l.send(p)
						s.g.answer("chat.send", l.send)
						s.g.cut(1006, "", false)
						return silence, nil
					})
				}
			}
			for range 2 {
				for _, s := range all {
					s.back()
					s.wait(40 * time.Second)
				}
			}
			if got, want := l.texts("k"), strings.Join(typed, " "); got != want {
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
				s.leave()
			}
			if names := kept.names(); names != "" {
				rt.Errorf("kept is %s", names)
			}
		})
	})
}
