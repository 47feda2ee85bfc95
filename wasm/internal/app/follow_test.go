//go:build !js

package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// onConnect answers connect with these answers to the cursors.
func (g *fakeGateway) onConnect(resumed string) {
	g.on("connect", `{"protocol":3,"role":"operator","user_id":"u","server":{"name":"g","version":"1"},"resumed":[`+resumed+`]}`)
}

func cursor(key, status, epoch string, last int) string {
	return fmt.Sprintf(`{"sessionKey":%q,"status":%q,"epoch":%q,"lastSeq":%d}`, key, status, epoch,
		last)
}

// resumes returns the cursors of the last connect.
func (s *harness) resumes() []protocol.Cursor {
	calls := s.gateway.calls("connect")
	text, _ := json.Marshal(calls[len(calls)-1]["resume"])
	var list []protocol.Cursor
	if err := json.Unmarshal(text, &list); err != nil {
		s.t.Errorf("resume is %s", text)
	}
	return list
}

func (s *harness) caughtUp() string { return s.browser.Get("caught-up").Text() }

func TestResumesInsteadOfLoading(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		eq(t, "cursors at the start", len(s.resumes()), 0)
		first := s.browser.Get("messages").Elements()[0]
		s.gateway.onConnect(cursor("s", "live", "e", 7))
		s.gateway.cut(1006, "", false)
		s.wait(1500 * time.Millisecond)
		at := s.resumes()
		if len(at) != 1 || at[0] != (protocol.Cursor{SessionKey: "s", Epoch: "e", AfterSeq: 4}) {
			t.Fatalf("the cursors are %v", at)
		}
		eq(t, "said too early", s.caughtUp(), "")
		s.gateway.message("s", "m5", "elsewhere", 5)
		s.gateway.agent("s", "run.started", "r5", `{"messageId":"a5","userMessageId":"m5"}`, 6)
		s.wait(50 * time.Millisecond)
		eq(t, "said too early", s.caughtUp(), "")
		s.gateway.agent("s", "chunk", "r5", `{"content":"so far"}`, 7)
		s.wait(50 * time.Millisecond)
		eq(t, "caught up", s.caughtUp(), "Caught up, 3 events")
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | complete: elsewhere | streaming: so far")
		eq(t, "loads", len(s.gateway.calls("chat.history")), 1)
		if s.browser.Get("messages").Elements()[0] != first {
			t.Error("the messages were made anew")
		}
		s.wait(5 * time.Second)
		eq(t, "caught up, after a while", s.caughtUp(), "")

		s.gateway.onConnect(cursor("s", "live", "e", 7))
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		eq(t, "caught up with nothing", s.caughtUp(), "")
	})
}

func TestResetKeepsTheTranscriptWhileLoading(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		before := s.browser.Get("messages").Elements()
		s.gateway.onConnect(cursor("s", "reset", "e", 6))
		s.gateway.on("chat.history", `{"messages":[`+historyMessages+`,{"id":"m5","role":"user","content":"folded","status":"complete","createdAt":"","seq":5}],"sessionKey":"s","epoch":"e","lastSeq":6,"hasMore":false}`)
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello | complete: folded")
		for i, el := range s.browser.Get("messages").Elements()[:2] {
			if el != before[i] {
				t.Errorf("message %d was made anew", i)
			}
		}
		eq(t, "caught up", s.caughtUp(), "Caught up, 2 events")
	})
}

func TestResetOfAnotherLog(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.onConnect(cursor("s", "reset", "restored", 1))
		s.gateway.on("chat.history", `{"messages":[`+messageJSON("n1",
			1)+`],"sessionKey":"s","epoch":"restored","lastSeq":1,"hasMore":false}`)
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		eq(t, "the transcript", s.messages(), "complete: n1")
		eq(t, "caught up", s.caughtUp(), "")
	})
}

func TestDeletedWhileDisconnected(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.onConnect(cursor("s", "gone", "", 0))
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		eq(t, "the state", s.state(), "gone")
	})
}

func TestRecentSessions(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.act("open-session", s.session("a"))
		s.act("open-session", s.session("b"))
		s.act("open-session", s.session("a"))
		s.gateway.onConnect(cursor("a", "live", "e a", 1) + "," + cursor("b", "reset", "e b", 1) + "," +
			cursor("s", "live", "e", 4))
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		var keys string
		for _, at := range s.resumes() {
			keys += at.SessionKey + " "
		}
		eq(t, "the cursors", keys, "a b s ")
		loads := len(s.gateway.calls("chat.history"))
		s.act("open-session", s.session("s"))
		eq(t, "loads of one that goes on", len(s.gateway.calls("chat.history"))-loads, 0)
		s.act("open-session", s.session("b"))
		eq(t, "loads of one that was reset", len(s.gateway.calls("chat.history"))-loads, 1)
	})
}

func TestUnfollowsSessionsThatNobodyLooksAt(t *testing.T) {
	const many = maxFollowed + 5
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		withSessions(w, g)
		list := ""
		for i := range many {
			list += sessionJSON(fmt.Sprint("k", i), fmt.Sprint("k", i), false, "2000-01-01T00:00:00Z") + ","
		}
		g.on("sessions.list", `{"sessions":[`+list[:len(list)-1]+`]}`)
	}, func(s *harness) {
		for i := range many {
			s.act("open-session", s.session(fmt.Sprint("k", i)))
		}
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		at := s.resumes()
		eq(t, "cursors", len(at), maxFollowed)
		eq(t, "the first", at[0].SessionKey, fmt.Sprint("k", many-1))
		loads := len(s.gateway.calls("chat.history"))
		s.act("open-session", s.session("k0"))
		eq(t, "the transcript", s.messages(), "complete: text of k0")
		eq(t, "loads", len(s.gateway.calls("chat.history"))-loads, 1)
	})
}

func TestRequestsMissingEvents(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.answer("chat.replay", func(p params) (string, *protocol.Error) {
			if fmt.Sprint(p["afterSeq"]) != "4" || p.text("epoch") != "e" {
				t.Errorf("asked for %v", p)
			}
			return `{"events":[{"type":"event","event":"chat","seq":5,"payload":{"type":"message","sessionKey":"s","message":` + messageJSON("m5", 5) + `}},
				{"type":"event","event":"chat","seq":6,"payload":{"type":"message","sessionKey":"s","message":` + messageJSON("m6", 6) + `}}],
				"sessionKey":"s","epoch":"e","lastSeq":7,"reset":false}`, nil
		})
		s.gateway.message("s", "m7", "later", 7)
		s.wait(time.Second)
		eq(t, "asked while they may still come", len(s.gateway.calls("chat.replay")), 0)
		s.wait(3 * time.Second)
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | complete: m5 | complete: m6 | queued: later")
		eq(t, "asked", len(s.gateway.calls("chat.replay")), 1)
		eq(t, "loads", len(s.gateway.calls("chat.history")), 1)

		s.gateway.on("chat.replay", `{"events":[],"sessionKey":"s","epoch":"e","lastSeq":9,"reset":true}`)
		s.gateway.on("chat.history", `{"messages":[`+messageJSON("m9", 9)+
			`],"sessionKey":"s","epoch":"e","lastSeq":9,"hasMore":false}`)
		s.gateway.event("tick", `{"sessions":{"s":9,"other":3}}`, 0)
		s.wait(4 * time.Second)
		eq(t, "the transcript after a reset", s.messages(), "complete: m9")
	})
}

func TestNetworkComesBack(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		pill := s.browser.Get("connection")
		s.browser.offline = true
		s.app.Network(false)
		s.wait(50 * time.Millisecond)
		eq(t, "the pill", pill.Attr("data-state"), "offline")
		s.send("in the tunnel")
		eq(t, "the message", s.last().Attr("data-status"), "waiting")

		s.browser.offline = false
		dials := s.gateway.dialled
		s.gateway.accept("accepted")
		s.app.Network(true)
		s.wait(100 * time.Millisecond)
		eq(t, "new connections", s.gateway.dialled-dials, 1)
		eq(t, "the pill", pill.Attr("data-state"), "connected")
		eq(t, "the message", s.last().Attr("data-status"), "complete")
		s.app.Network(true) // not another time
		s.wait(100 * time.Millisecond)
		eq(t, "new connections", s.gateway.dialled-dials, 1)
	})
}

func TestLocalGatewayNeedsNoNetwork(t *testing.T) {
	withPage(t, sessionPage, func(w *fakeBrowser, g *fakeGateway) {
		withHistory(w, g)
		g.on("health", `{"status":"ok"}`)
	}, func(s *harness) {
		s.browser.offline = true
		s.app.Network(false)
		s.wait(50 * time.Millisecond)
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
	})
}

func TestVisiblePageConnectsAtOnce(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.cut(1006, "", true)
		s.wait(20 * time.Second)
		s.gateway.up()
		s.app.Visible()
		s.wait(50 * time.Millisecond)
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
	})
}

// A page that is reloaded while an answer is written shows what the gateway rendered,
// until it has loaded the same.
func TestReloadWhileAnAnswerStreams(t *testing.T) {
	const streaming = `<article class="message message-assistant" data-message-id="m4" data-run-id="r4" data-seq="4" data-key="" data-status="streaming" data-by-other="false"><span data-slot="name">Agent</span><time data-slot="time" datetime="2026-01-01T00:00:00.000Z">2026-01-01T00:00:00.000Z</time><div data-slot="thinking"></div><div data-slot="body" data-format="html"><p>one</p><p>two</p></div><span data-slot="activity"></span><span data-slot="error"></span></article>`
	doc := func() *viewtest.Document {
		return viewtest.Chat(`data-session-key="s" data-epoch="e" data-last-seq="4" data-has-more="false"`, served+streaming, "")
	}
	withPage(t, doc, func(w *fakeBrowser, g *fakeGateway) {
		g.answer("chat.history", func(params) (string, *protocol.Error) {
			time.Sleep(time.Second)
			return `{"messages":[` + historyMessages +
				`,{"id":"m4","role":"assistant","content":"one two three","status":"streaming","createdAt":"2026-01-01T00:00:00Z","runId":"r4","seq":4,"html":{"from":0,"blocks":["<p>one</p>","<p>two</p>","<p>three</p>"]}}],"sessionKey":"s","epoch":"e","lastSeq":6,"hasMore":false}`, nil
		})
	}, func(s *harness) {
		answer := s.last()
		eq(t, "before it is loaded", answer.Slot("body"), "onetwo")
		s.gateway.agent("s", "chunk", "r4",
			`{"content":" four","html":{"from":3,"blocks":["<p>four</p>"]}}`, 7)
		s.wait(2 * time.Second)
		eq(t, "after it is loaded", s.last().Slot("body"), "onetwothreefour")
		if s.last() != answer {
			t.Error("the answer was made anew")
		}
	})
}

// A session that cannot be loaded for now is shown as soon as it is loaded. If the
// connection is lost before, the page keeps the session that it shows.
func TestOpensASessionAfterARetry(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.refuse("chat.history", &protocol.Error{Code: protocol.Unavailable,
			Message: "the store is busy", Retryable: true})
		s.act("open-session", s.session("a"))
		eq(t, "the transcript", s.messages(), "complete: hi | complete: hello")
		s.gateway.message("a", "m2", "meanwhile", 2) // does not make the next request earlier
		s.wait(500 * time.Millisecond)
		eq(t, "asked", len(s.gateway.calls("chat.history")), 2)
		withSessions(s.browser, s.gateway)
		s.wait(time.Second)
		eq(t, "the transcript", s.messages(), "complete: text of a")
		eq(t, "the address", s.browser.path, "/s/a")
		eq(t, "notices", s.notices(), "")

		s.gateway.answer("chat.history", func(params) (string, *protocol.Error) { return noAnswer, nil })
		s.act("open-session", s.session("b"))
		s.gateway.cut(1006, "", false)
		withSessions(s.browser, s.gateway)
		s.wait(3 * time.Second)
		eq(t, "the address", s.browser.path, "/s/a")
		eq(t, "the list", s.labels(), "Pinned This one [Ärger]")
	})
}

// A refusal for good makes one notice, and another request only when the user asks.
func TestSessionThatIsRefused(t *testing.T) {
	withPage(t, sessionPage, withSessions, func(s *harness) {
		s.gateway.refuse("chat.history", protocol.Refuse(protocol.Forbidden,
			"session does not belong to user"))
		s.act("open-session", s.session("a"))
		eq(t, "the notice", s.notices(), "session does not belong to user")
		s.gateway.message("a", "m2", "meanwhile", 2)
		s.wait(time.Minute)
		eq(t, "asked", len(s.gateway.calls("chat.history")), 2)
		withSessions(s.browser, s.gateway)
		s.act("open-session", s.session("a"))
		eq(t, "the transcript", s.messages(), "complete: text of a")
	})
}
