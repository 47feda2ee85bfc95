//go:build !js

package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

const served = `<article class="message message-user" data-message-id="m1" data-run-id="" data-seq="1" data-key="" data-status="complete" data-by-other="false"><time data-slot="time" datetime="2026-01-01T00:00:00.000Z">2026-01-01T00:00:00.000Z</time><span data-slot="author"></span><div data-slot="body" data-format="text">hi</div><span data-slot="error"></span></article>` +
	`<article class="message message-assistant" data-message-id="m2" data-run-id="r1" data-seq="2" data-key="" data-status="complete" data-by-other="false"><span data-slot="name">Agent</span><time data-slot="time" datetime="2026-01-01T00:00:00.000Z">2026-01-01T00:00:00.000Z</time><div data-slot="thinking"></div><div data-slot="body" data-format="html"><p>hello</p></div><span data-slot="activity"></span><span data-slot="error"></span><button data-action="copy-message" data-state="idle"></button></article>`

const historyMessages = `{"id":"m1","role":"user","content":"hi","status":"complete","createdAt":"2026-01-01T00:00:00Z","seq":1},
 {"id":"m2","role":"assistant","content":"hello","status":"complete","createdAt":"2026-01-01T00:00:00Z","runId":"r1","seq":2,"replyTo":"m1","html":{"from":0,"blocks":["<p>hello</p>"]}}`

const history = `{"messages":[` + historyMessages +
	`],"sessionKey":"s","epoch":"e","lastSeq":4,"hasMore":false}`

// sessionPage is the page of session s, with its transcript.
func sessionPage() *viewtest.Document {
	return viewtest.Chat(`data-session-key="s" data-epoch="e" data-last-seq="4" data-has-more="false"`,
		served, "")
}

// newChatPage is the page of a chat without messages.
func newChatPage() *viewtest.Document {
	return viewtest.Chat(`data-session-key="" data-epoch="" data-last-seq="0" data-has-more="false"`,
		"", "")
}

func withHistory(_ *fakeBrowser, g *fakeGateway) { g.on("chat.history", history) }

// messages describes the transcript on the page: status and text of each message.
func (s *harness) messages() string {
	var list []string
	for _, m := range s.browser.Get("messages").Elements() {
		list = append(list, m.Attr("data-status")+": "+m.Slot("body"))
	}
	return strings.Join(list, " | ")
}

func (s *harness) last() *viewtest.Element {
	s.t.Helper()
	items := s.browser.Get("messages").Elements()
	if len(items) == 0 {
		s.t.Fatal("the transcript is empty")
	}
	return items[len(items)-1]
}

// compose replaces the text in the composer.
func (s *harness) compose(text string) {
	s.browser.Get("composer-input").SetValue(text)
	s.do("compose", "composer-input")
}

func (s *harness) composerText() string { return s.browser.Get("composer-input").Value() }

func (s *harness) send(text string) {
	s.browser.Get("composer-input").SetValue(text)
	s.do("send", "composer")
}

// accept answers each chat.send with that status. Session s has 4 events already.
func (g *fakeGateway) accept(status string) {
	n := 0
	g.answer("chat.send", func(p params) (string, *protocol.Error) {
		n++
		seq := 2*n - 1
		if p.text("sessionKey") == "s" {
			seq += 4
		}
		return fmt.Sprintf(`{"runId":"r%d","sessionKey":%q,"messageId":"own%d","seq":%d,"status":%q}`, n,
			p.text("sessionKey"), n, seq, status), nil
	})
}

func (g *fakeGateway) message(key, id, text string, seq int) {
	g.event("chat", fmt.Sprintf(`{"type":"message","sessionKey":%q,"message":{"id":%q,"role":"user","content":%q,"status":"queued","createdAt":"2026-01-01T00:00:00Z","seq":%d}}`, key, id, text, seq), seq)
}

func (g *fakeGateway) agent(key, kind, run, payload string, seq int) {
	g.event("agent", fmt.Sprintf(`{"type":%q,"sessionKey":%q,"agentId":"main","runId":%q,"userId":"u","channel":"ws","payload":%s}`, kind, key, run, payload), seq)
}

func TestTakesOverTheServedTranscript(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		first := s.browser.Get("messages").Elements()
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
		if first[0].Attr("data-seq") != "1" {
			t.Error("the messages were made anew")
		}
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
		eq(t, "the agent", s.browser.Get("agent-name").Text(), "Main agent")
		hello := s.gateway.calls("connect")[0]
		eq(t, "caps", fmt.Sprint(hello["client"].(map[string]any)["caps"]), "[html]")
		before := s.browser.Writes
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		if now := s.browser.Get("messages").Elements(); now[0] != first[0] || now[1] != first[1] {
			t.Error("a reconnect that brought nothing new made the messages anew")
		}
		if n := s.browser.Writes - before; n > 20 {
			t.Errorf("a reconnect that brought nothing new wrote %d times", n)
		}
	})
}

func TestSendsAndStreams(t *testing.T) {
	withPage(t, newChatPage, nil, func(s *harness) {
		s.gateway.accept("accepted")
		s.browser.Get("composer-input").SetValue("  hello\n")
		s.app.Act("send", s.browser.Get("composer"))
		s.wait(0)
		key := sessionKeyOf(s.browser.path)
		eq(t, "the key", key, "agent:main:ws:direct:01010101-0101-4101-8101-010101010101")
		eq(t, "the address", s.browser.path, "/s/"+key)
		s.wait(50 * time.Millisecond)
		send := s.gateway.calls("chat.send")[0]
		eq(t, "the message", send.text("message"), "  hello\n")
		eq(t, "ack", send.text("ack"), "accepted")
		eq(t, "the idempotency key", send.text("idempotencyKey"), strings.Repeat("02", 16))
		eq(t, "the composer", s.browser.Get("composer-input").Value(), "")
		own := s.last()
		eq(t, "the transcript", s.messages(), "complete:   hello\n")
		eq(t, "the form", s.browser.Get("composer").Attr("data-state"), "running")

		s.gateway.message(key, "own1", "  hello\n", 1)
		s.gateway.agent(key, "run.started", "r1", `{"messageId":"a1","userMessageId":"own1"}`, 2)
		s.gateway.agent(key, "activity", "r1", `{"phase":"thinking"}`, 3)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete:   hello\n | streaming: ")
		if s.browser.Get("messages").Elements()[0] != own {
			t.Error("the own message was made anew when the log showed it")
		}
		eq(t, "the activity", s.last().Slot("activity"), "thinking…")
		for i, word := range []string{"one", "two", "three"} {
			s.gateway.agent(key, "chunk", "r1",
				fmt.Sprintf(`{"content":%q,"html":{"from":0,"blocks":["<p>%s</p>"]}}`, word, word), 4+i)
		}
		s.wait(50 * time.Millisecond)
		eq(t, "the answer", s.last().Slot("body"), "three")
		s.gateway.agent(key, "run.completed", "r1",
			`{"messageId":"a1","content":"onetwothree","html":{"from":0,"blocks":["<p>one</p>","<p>two</p>"]}}`, 7)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete:   hello\n | complete: onetwo")
		eq(t, "the form", s.browser.Get("composer").Attr("data-state"), "idle")
		eq(t, "said aloud", s.browser.Get("announce").Text(), "The answer is complete.")
	})
}

func TestMessageArrivesInTheLogBeforeItsAck(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.send("again")
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | sending: again")
		own := s.last()
		s.gateway.message("s", "m5", "again", 5)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | queued: again")
		if s.last() != own {
			t.Error("the message was made anew")
		}
		// A message with the same text from another browser is another message.
		s.gateway.message("s", "m6", "again", 6)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | queued: again | queued: again")
	})
}

func TestOfflineMessagesAreSentInOrderLater(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.send("first") // the gateway does not answer
		s.gateway.cut(1006, "", true)
		s.wait(100 * time.Millisecond)
		s.send("second")
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | waiting: first | waiting: second")
		pill := s.browser.Get("connection")
		eq(t, "the pill", pill.Attr("data-state"), "reconnecting")
		if left := pill.Slot("seconds"); left != "1" && left != "2" {
			t.Errorf("the next try is in %q seconds", left)
		}
		s.app.Act("sign-out", s.browser.Root)
		s.wait(10 * time.Millisecond)
		eq(t, "the warning", s.browser.Get("sign-out-dialog").Slot("unsent"), "2")

		s.gateway.accept("accepted")
		s.gateway.up()
		s.act("reconnect-now", s.browser.Get("connection"))
		s.wait(50 * time.Millisecond)
		sends := s.gateway.calls("chat.send")
		eq(t, "sends", len(sends), 3)
		eq(t, "the first again", sends[1].text("idempotencyKey"), sends[0].text("idempotencyKey"))
		eq(t, "then the second", sends[2].text("message"), "second")
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | complete: first | complete: second")
	})
}

func TestNextMessageWaitsForTheAck(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.send("first")
		s.send("second")
		eq(t, "sends", len(s.gateway.calls("chat.send")), 1)
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | sending: first | sending: second")
	})
}

func TestWaitsWhenTheGatewayIsBusy(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.refuse("chat.send", protocol.Exhausted("slow down", 3000))
		s.send("first")
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | paused: first")
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state")+" "+s.browser.Get("connection").Slot("seconds"), "slow 3")
		s.gateway.accept("queued")
		s.wait(4 * time.Second)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | queued: first")
	})
}

func TestRefusedMessageLosesNothing(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.refuse("chat.send", protocol.Refuse(protocol.Forbidden,
			"session does not belong to user"))
		s.send("mine")
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | unsent: mine")
		eq(t, "the reason", s.last().Slot("error"), "session does not belong to user")
		s.act("resend-message", s.last())
		sends := s.gateway.calls("chat.send")
		eq(t, "sends", len(sends), 2)
		eq(t, "the same key", sends[1].text("idempotencyKey"), sends[0].text("idempotencyKey"))
		s.browser.Get("composer-input").SetValue("else")
		s.act("take-back", s.last())
		eq(t, "the composer", s.browser.Get("composer-input").Value(), "mine\n\nelse")
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
	})
}

func TestRefusesWhatIsEmptyOrTooLong(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.send(" \n ")
		long := strings.Repeat("x", protocol.MaxMessageBytes+1204)
		s.browser.Get("composer-input").SetValue(long)
		s.do("compose", "composer-input")
		eq(t, "the excess", s.browser.Get("composer-long").Slot("excess"), "1,204 characters")
		s.do("send", "composer")
		eq(t, "sends", len(s.gateway.calls("chat.send")), 0)
		eq(t, "the composer", len(s.browser.Get("composer-input").Value()), len(long))
		if text := s.browser.Get("toasts").Text(); !strings.Contains(text, "1,204 characters too long") {
			t.Errorf("the notice reads %q", text)
		}
		s.wait(30 * time.Second)
		eq(t, "notices after a while", len(s.browser.Get("toasts").Elements()), 0)
	})
}

func TestStopsTheRun(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.agent("s", "run.started", "r9", `{"messageId":"a9"}`, 5)
		s.wait(50 * time.Millisecond)
		s.act("stop-run", s.browser.Get("composer"))
		abort := s.gateway.calls("chat.abort")[0]
		eq(t, "the session", abort.text("sessionKey"), "s")
		eq(t, "the run", abort.text("runId"), "r9")
		s.gateway.agent("s", "run.cancelled", "r9", `{"messageId":"a9"}`, 6)
		s.wait(50 * time.Millisecond)
		eq(t, "the answer", s.last().Attr("data-status"), "aborted")
	})
}

func TestTakesBackAQueuedMessage(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.accept("queued")
		s.send("later")
		s.act("take-back", s.last())
		eq(t, "the run given up", s.gateway.calls("chat.abort")[0].text("runId"), "r1")
	})
}

func TestRevokedLeavesNothing(t *testing.T) {
	withPage(t, func() *viewtest.Document { return sessionPage() },
		func(w *fakeBrowser, g *fakeGateway) {
			withHistory(w, g)
			g.on("sessions.list", `{"sessions":[{"key":"s","agentId":"main","userId":"u","label":"secret","epoch":"e","lastSeq":4,"createdAt":"","updatedAt":""}]}`)
		}, func(s *harness) {
			s.browser.Get("composer-input").SetValue("draft")
			eq(t, "the title", s.browser.Get("session-title").Text(), "secret")
			s.gateway.cut(1008, "pairing revoked", true)
			s.wait(10 * time.Millisecond)
			eq(t, "the state", s.state(), "revoked")
			eq(t, "the address", s.browser.path, "/")
			eq(t, "the composer", s.browser.Get("composer-input").Value(), "")
			page := s.browser.Get("messages").Inner() + s.browser.Get("session-list").Inner() +
				s.browser.Get("session-title").Text() + s.browser.title
			eq(t, "what is left", page, "Gatehouse")
			dials := s.gateway.dialled
			s.app.Visible()
			s.wait(time.Minute)
			eq(t, "further connections", s.gateway.dialled-dials, 0)
		})
}

func TestSignedOutElsewhere(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.cut(1008, "signed out", true)
		s.wait(10 * time.Millisecond)
		eq(t, "the state", s.state(), "signed-out")
		eq(t, "the transcript", s.messages(), "")
	})
}

func TestCookieOfAnotherUser(t *testing.T) {
	withPage(t, func() *viewtest.Document { return sessionPage() },
		func(w *fakeBrowser, g *fakeGateway) {
			withHistory(w, g)
			g.on("connect", `{"protocol":3,"role":"operator","user_id":"somebody","server":{"name":"g","version":"1"}}`)
		}, func(s *harness) {
			eq(t, "the transcript", s.messages(), "")
			eq(t, "done", s.browser.navigations[len(s.browser.navigations)-1], "reload")
		})
}

func TestCookieIsGone(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		g.on("connect", `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","expires_at":"","server":{"name":"g","version":"1"}}`)
	}, func(s *harness) {
		eq(t, "the transcript", s.messages(), "")
		eq(t, "done", s.browser.navigations[len(s.browser.navigations)-1], "leave /")
	})
}

func TestSignsOut(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.browser.fetch = func(string, string) (int, string) { return 0, "" }
		s.act("confirm-sign-out", s.browser.Get("sign-out-dialog"))
		eq(t, "notices", len(s.browser.Get("toasts").Elements()), 1)
		s.browser.fetch = func(string, string) (int, string) { return 204, "" }
		s.act("confirm-sign-out", s.browser.Get("sign-out-dialog"))
		eq(t, "asked", s.browser.fetched[len(s.browser.fetched)-1], "DELETE /api/session")
		eq(t, "done", s.browser.navigations[len(s.browser.navigations)-1], "leave /")
	})
}

func TestViewerWritesNothing(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		withHistory(w, g)
		g.on("connect", `{"protocol":3,"role":"viewer","user_id":"u","server":{"name":"g","version":"1"}}`)
	}, func(s *harness) {
		s.send("hello")
		eq(t, "sends", len(s.gateway.calls("chat.send")), 0)
		eq(t, "the composer", s.browser.Get("composer-input").Value(), "hello")
	})
}

func TestCopies(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		button := s.last().Find("data-action", "copy-message")[0]
		s.act("copy-message", s.last())
		eq(t, "the clipboard", s.browser.copied, "hello")
		eq(t, "the button", button.Attr("data-state"), "done")
		s.wait(4 * time.Second)
		eq(t, "the button", button.Attr("data-state"), "idle")
	})
}
