//go:build !js

package app

import (
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// failRun has the run that answers "why?" fail.
func (s *harness) failRun() {
	s.gateway.message("s", "m5", "why?", 5)
	s.gateway.agent("s", "run.started", "r5", `{"messageId":"a5","userMessageId":"m5"}`, 6)
	s.gateway.agent("s", "run.failed", "r5",
		`{"messageId":"a5","error":"no model","code":"UNAVAILABLE"}`, 7)
	s.wait(50 * time.Millisecond)
}

func (s *harness) notices() string { return s.browser.Get("toasts").Text() }

func TestAsksForAnotherAnswer(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.failRun()
		eq(t, "the reason", s.last().Slot("error"), "no model")
		failed := s.last()
		s.act("retry-run", failed) // the gateway does not answer
		s.act("retry-run", failed)
		asked := s.gateway.calls("chat.retry")
		eq(t, "asked at once", len(asked), 1)
		eq(t, "the run", asked[0].text("runId"), "r5")
		eq(t, "ack", asked[0].text("ack"), "accepted")
		s.gateway.cut(1006, "", false)
		s.wait(2 * time.Second)
		if s.notices() == "" {
			t.Error("a lost answer makes no notice")
		}
		s.gateway.on("chat.retry", `{"runId":"r8","sessionKey":"s","messageId":"m5","seq":8,"status":"accepted"}`)
		s.act("retry-run", failed)
		asked = s.gateway.calls("chat.retry")
		eq(t, "the same key", asked[1].text("idempotencyKey"), asked[0].text("idempotencyKey"))
		eq(t, "sends", len(s.gateway.calls("chat.send")), 0)
		s.gateway.agent("s", "run.started", "r8", `{"messageId":"a8","userMessageId":"m5"}`, 8)
		s.gateway.agent("s", "run.cancelled", "r8", `{"messageId":"a8"}`, 9)
		s.wait(50 * time.Millisecond)
		eq(t, "the transcript", s.messages(),
			"complete: hi | complete: hello | complete: why? | failed:  | aborted: ")
		s.act("retry-run", s.last())
		asked = s.gateway.calls("chat.retry")
		eq(t, "a stopped one", asked[2].text("runId"), "r8")
		if asked[2].text("idempotencyKey") == asked[1].text("idempotencyKey") {
			t.Error("another answer is asked for under a used key")
		}
	})
}

func TestRefusedRetryIsShown(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.failRun()
		s.gateway.refuse("chat.retry", protocol.Refuse(protocol.FailedPrecondition,
			"this message is being answered"))
		s.act("retry-run", s.last())
		eq(t, "the notice", s.notices(),
			"The answer could not be asked for again: this message is being answered")
		s.act("retry-run", s.last())
		asked := s.gateway.calls("chat.retry")
		if len(asked) != 2 || asked[0].text("idempotencyKey") == asked[1].text("idempotencyKey") {
			t.Errorf("asked %v", asked)
		}
		complete := s.browser.Get("messages").Elements()[1]
		s.app.Act("retry-run", complete)
		s.wait(50 * time.Millisecond)
		eq(t, "asked for a complete answer", len(s.gateway.calls("chat.retry")), 2)
	})
}

func TestRetryWithoutConnection(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.failRun()
		s.gateway.cut(1006, "", true)
		s.wait(10 * time.Millisecond)
		s.act("retry-run", s.last())
		eq(t, "the notice", s.notices(), "There is no connection right now. Try again when it is back.")
		s.gateway.on("chat.retry", `{"runId":"r8","sessionKey":"s","messageId":"m5","seq":8,"status":"accepted"}`)
		s.gateway.up()
		s.wait(3 * time.Second)
		eq(t, "asked by itself", len(s.gateway.calls("chat.retry")), 0)
	})
}

// While the run waits for a rate limit, the user sees why, and the seconds count down.
func TestWaitIsCountedDown(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.message("s", "m5", "why?", 5)
		s.gateway.agent("s", "run.started", "r5", `{"messageId":"a5","userMessageId":"m5"}`, 6)
		until := protocol.At(time.Now().Add(20 * time.Second))
		s.gateway.agent("s", "activity", "r5",
			`{"phase":"retrying","reason":"rate_limit","until":"`+until.String()+`"}`, 7)
		s.wait(1500 * time.Millisecond)
		const why = "the model's rate limit is reached; trying again"
		eq(t, "at first", s.last().Slot("activity"), why+" in 19 seconds…")
		s.wait(10 * time.Second)
		eq(t, "later", s.last().Slot("activity"), why+" in 9 seconds…")
		s.wait(20 * time.Second)
		eq(t, "at the end", s.last().Slot("activity"), why+"…")
		s.gateway.agent("s", "chunk", "r5", `{"content":"Because."}`, 8)
		s.gateway.agent("s", "activity", "r5", `{"phase":"answering"}`, 9)
		s.wait(50 * time.Millisecond)
		eq(t, "answering", s.last().Slot("activity"), "")
	})
}

// An answer that a limit has ended is complete, and says that it stops early.
func TestFinishIsShown(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.gateway.message("s", "m5", "why?", 5)
		s.gateway.agent("s", "run.started", "r5", `{"messageId":"a5","userMessageId":"m5"}`, 6)
		s.gateway.agent("s", "chunk", "r5", `{"content":"Hm."}`, 7)
		s.gateway.agent("s", "thinking", "r5", `{"content":"","textWasThinking":true}`, 8)
		s.gateway.agent("s", "chunk", "r5", `{"content":"Because of"}`, 9)
		s.wait(50 * time.Millisecond)
		eq(t, "the thinking", s.last().Slot("thinking"), "Hm.")
		eq(t, "the text", s.last().Slot("body"), "Because of")
		s.gateway.agent("s", "run.completed", "r5",
			`{"messageId":"a5","content":"Because of","finish":"length"}`, 10)
		s.wait(50 * time.Millisecond)
		eq(t, "the finish", s.last().Attr("data-finish"), "length")
		eq(t, "the status", s.last().Attr("data-status"), "complete")
	})
}
