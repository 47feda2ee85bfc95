package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testKill kills the program while it answers. After the next start, everything is there
// that was acknowledged.
func testKill(t *testing.T, binary string) {
	dir := t.TempDir()
	p := startProcess(t, binary, dir)
	c := p.client()
	var sent protocol.ChatSendResult
	c.Read(c.OK(protocol.MethodChatSend,
		`{"message":"slow","sessionKey":"k","ack":"accepted","idempotencyKey":"a"}`), &sent)
	var streamed string
	for streamed == "" {
		var e protocol.AgentEvent
		if c.Read(c.Event(protocol.EventAgent), &e); e.Type == protocol.RunChunk {
			var piece protocol.TextPayload
			if err := protocol.Decode(e.Payload, &piece); err != nil {
				t.Fatal(err)
			}
			streamed = piece.Content
		}
	}
	// Another connection writes until the process ends. What was acknowledged must be
	// kept.
	kept, writer := 0, p.client()
	time.AfterFunc(300*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
	for writer.Try(protocol.MethodChatInject,
		fmt.Sprintf(`{"sessionKey":"k","message":"note %d"}`, kept)) {
		kept++
	}
	if state := p.waitExit(); state.Success() {
		t.Fatalf("the process ended with %v", state)
	}
	p = startProcess(t, binary, dir)
	c = p.client()
	e := c.Refused(protocol.Interrupted, "", protocol.MethodChatSend,
		`{"message":"slow","sessionKey":"k","idempotencyKey":"a"}`)
	if e.Details == nil || e.Details.RunID != sent.RunID {
		t.Errorf("%+v", e)
	}
	notes := map[string]int{}
	var answer protocol.Message
	for before, more := int64(0), true; more; {
		var page protocol.ChatHistoryResult
		c.Read(c.OK(protocol.MethodChatHistory,
			fmt.Sprintf(`{"sessionKey":"k","limit":200,"before":%d}`, before)), &page)
		for _, m := range page.Messages {
			if m.Role == protocol.FromAssistant {
				answer = m
			}
			notes[m.Content]++
		}
		before, more = page.Messages[0].Seq, page.HasMore
	}
	if answer.Status != protocol.StatusFailed || !strings.HasPrefix(answer.Content, streamed) ||
		answer.Error == "" {
		t.Errorf("the answer that began with %q is %+v", streamed, answer)
	}
	if notes["slow"] != 1 || kept == 0 {
		t.Errorf("the question occurs %d times, %d notes were acknowledged", notes["slow"], kept)
	}
	for i := range kept {
		if n := notes[fmt.Sprintf("note %d", i)]; n != 1 {
			t.Errorf("note %d of %d occurs %d times", i, kept, n)
		}
	}
}

// testKillAndRetry kills the program while it answers, and once more after the next start
// has ended the interrupted answer. The answer must fail once and must not change, and a
// retry must answer the same message.
func testKillAndRetry(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := newClient(t, p.client())
	sent := c.send(`"sessionKey":"k","message":"slow"`)
	c.waitFor(func() bool { return len(c.text[sent.RunID]) > 20 })
	p.signal(syscall.SIGKILL)
	c.waitClosed()
	if state := p.waitExit(); state.Success() {
		t.Fatalf("the process ended with %v", state)
	}
	streamed := c.text[sent.RunID]

	p = startProcess(t, binary, p.dir)
	c = newClient(t, p.client())
	transcript := c.waitIdle("k")
	if len(transcript) != 2 {
		t.Fatalf("the transcript is %+v", transcript)
	}
	question, broken := transcript[0], transcript[1]
	if broken.Status != protocol.StatusFailed || !strings.HasPrefix(broken.Content, streamed) ||
		!strings.Contains(broken.Error, "ry again") {
		t.Errorf("streamed was %q, kept is %+v", streamed, broken)
	}
	p.signal(syscall.SIGKILL)
	c.waitClosed()
	p.waitExit()

	p = startProcess(t, binary, p.dir)
	c = newClient(t, p.client())
	if again := c.waitIdle("k"); len(again) != 2 || again[1].Content != broken.Content ||
		again[1].Error != broken.Error {
		t.Errorf("the transcript is %+v, it was %+v", again, transcript)
	}
	var retried protocol.ChatSendResult
	c.Read(c.OK(protocol.MethodChatRetry,
		`{"sessionKey":"k","ack":"accepted","runId":"`+sent.RunID+`"}`),
		&retried)
	if retried.RunID == sent.RunID || retried.MessageID != question.ID {
		t.Errorf("the retry is %+v, of %+v", retried, sent)
	}
	c.waitFor(func() bool { return c.text[retried.RunID] != "" })
	c.OK(protocol.MethodChatAbort, `{"sessionKey":"k"}`)
	transcript = c.waitIdle("k")
	if len(transcript) != 3 || transcript[0].ID != question.ID ||
		transcript[1].Content != broken.Content || transcript[2].ReplyTo != question.ID ||
		transcript[2].RunID != retried.RunID ||
		!strings.HasPrefix(transcript[2].Content, c.text[retried.RunID]) {
		t.Errorf("after the retry: %+v", transcript)
	}
	p.signal(syscall.SIGTERM)
	c.waitClosed()
	p.checkStopped()
	kinds, streamed := storedRun(t, p.dir, "k", sent.RunID)
	if !slices.Equal(kinds, []string{protocol.RunStarted, protocol.RunFailed}) ||
		streamed != broken.Content {
		t.Errorf("the stored run is %v, %q", kinds, streamed)
	}
}
