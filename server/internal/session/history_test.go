package session_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// failAndRetry sends a message whose answer fails, and retries that many times, in vain.
func (h testService) failAndRetry(t testing.TB, key, question, answer string, times int) {
	t.Helper()
	sent := h.send(t, ann, key, question)
	for i := range times + 1 {
		if i > 0 {
			var err error
			if sent, err = h.Retry(t.Context(), ann.To(key),
				session.RetryRequest{RunID: sent.RunID}); err != nil {
				t.Fatal(err)
			}
		}
		b := h.begin(t, key)
		h.say(t, b, answer)
		h.finish(t, b, session.RunFailed)
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.answered(t, ann, "k", "one", "1")
	h.answered(t, ann, "k", "two", "2")
	h.failAndRetry(t, "k", "three", "3", 3)
	h.failAndRetry(t, "k", "four", "4", 70) // more than a page looks back
	h.answered(t, ann, "k", "five", "5")
	if _, err := h.Inject(t.Context(), ann.To("k"), "six", ""); err != nil {
		t.Fatal(err)
	}
	whole := h.history(t, "k")
	if want := 2 + 2 + 5 + 72 + 2 + 1; len(whole) != want {
		t.Fatalf("there are %d messages, want %d", len(whole), want)
	}
	h.checkLog(t, "k")
	for _, limit := range []int{1, 2, 3, 5, 8, 13, 21, 34, 55, 100} {
		sameMessages(t, fmt.Sprintf("pages of %d", limit), h.walk(t, "k", limit), whole)
	}
}

// A page begins with a message of the user, unless one message has more answers than fit
// on a page.
func TestHistoryDoesNotPartAnswers(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for i := range 12 {
		h.failAndRetry(t, "k", fmt.Sprint("question ", i), "answer", i%4)
	}
	for limit := 1; limit <= 40; limit++ {
		for before := int64(0); before >= 0; {
			p, err := h.History(t.Context(), ann.To("k"), before, limit)
			if err != nil || len(p.Messages) < limit && p.HasMore || len(p.Messages) > limit+4 {
				t.Fatalf("a page of %d has %d messages (%v)", limit, len(p.Messages), err)
			}
			if first := p.Messages[0]; first.ReplyTo != "" {
				t.Fatalf("a page of %d begins with an answer", limit)
			}
			if before = p.Messages[0].Seq; !p.HasMore {
				break
			}
		}
	}
}

// A page fits into a frame, whatever its messages.
func TestHistoryPagesAreBounded(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	question, answer := strings.Repeat("q", protocol.MaxMessageBytes), strings.Repeat("a", 300<<10)
	for range 4 {
		h.answered(t, ann, "k", question, answer)
		h.answered(t, ann, "k", "short", "short")
	}
	seen := 0
	for before := int64(0); ; {
		p, err := h.History(t.Context(), ann.To("k"), before, 100)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, m := range p.Messages {
			size += len(m.Content)
		}
		if size > protocol.MaxFrameBytes {
			t.Errorf("a page has %d bytes", size)
		}
		seen += len(p.Messages)
		if !p.HasMore {
			break
		}
		before = p.Messages[0].Seq
	}
	if seen != 16 {
		t.Errorf("the pages have %d messages, want 16", seen)
	}
}

// History accepts a seq that no message has.
func TestHistoryBeforeAnySeq(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for range 3 {
		h.answered(t, ann, "k", "question", "answer")
	}
	whole := h.history(t, "k")
	rec := h.checkLog(t, "k")
	for before := int64(1); before <= rec.LastSeq+2; before++ {
		p, err := h.History(t.Context(), ann.To("k"), before, 100)
		if err != nil || p.HasMore {
			t.Fatalf("before %d: %v, more: %v", before, err, p.HasMore)
		}
		want := 0
		for want < len(whole) && whole[want].Seq < before {
			want++
		}
		sameMessages(t, fmt.Sprint("before ", before), p.Messages, whole[:want])
	}
}

func TestStatusTellsThePhase(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.send(t, ann, "k", "Hi")
	status := func() session.Activity {
		a, err := h.Status(context.Background(), ann.To("k"))
		return try(t, a, err)
	}
	if a := status(); a.RunID != "" || a.Phase != nil || a.Queued != 1 {
		t.Errorf("before it runs: %+v", a)
	}
	b := h.begin(t, "k")
	for _, step := range []struct {
		piece session.Piece
		want  protocol.Activity
	}{
		{session.Piece{Thinking: "hm"}, protocol.Activity{Phase: "thinking"}},
		{session.Piece{Activity: &protocol.Activity{Phase: "tool", Tool: "clock"}},
			protocol.Activity{Phase: "tool", Tool: "clock"}},
		{session.Piece{Thinking: "hm"}, protocol.Activity{Phase: "tool", Tool: "clock"}},
		{session.Piece{Text: "It"}, protocol.Activity{Phase: "answering"}},
		{session.Piece{Activity: &protocol.Activity{Phase: "tool", Tool: "map"}},
			protocol.Activity{Phase: "tool", Tool: "map"}},
		{session.Piece{Text: " is"}, protocol.Activity{Phase: "answering"}},
	} {
		if err := h.Append(t.Context(), b, []session.Piece{step.piece}); err != nil {
			t.Fatal(err)
		}
		if a := status(); a.RunID != b.Run.ID || a.Queued != 0 || a.Phase == nil ||
			*a.Phase != step.want {
			t.Errorf("after %+v: run %s, phase %+v", step.piece, a.RunID, a.Phase)
		}
	}
	h.finish(t, b, session.RunCompleted)
	if a := status(); a.RunID != "" || a.Phase != nil || a.Queued != 0 {
		t.Errorf("afterwards: %+v", a)
	}
}

// The newest page says what the running run is doing, so that a page that is loaded in the
// middle of a wait can show the wait.
func TestHistoryHasTheActivity(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	activity := func(before int64) *protocol.Activity {
		page, err := h.History(t.Context(), ann.To("k"), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		return page.Activity
	}
	sent := h.send(t, ann, "k", "question")
	if got := activity(0); got != nil {
		t.Errorf("a queued run has the activity %+v", got)
	}
	b := h.begin(t, "k")
	waits := protocol.Activity{Phase: protocol.PhaseRetrying, Reason: protocol.WaitRateLimit, Until: 1234}
	if err := h.Append(t.Context(), b, []session.Piece{{Activity: &waits}}); err != nil {
		t.Fatal(err)
	}
	if got := activity(0); got == nil || *got != waits {
		t.Errorf("a waiting run has the activity %+v", got)
	}
	if got := activity(sent.Seq); got != nil {
		t.Errorf("an older page has the activity %+v", got)
	}
	h.finish(t, b, session.RunCompleted)
	if got := activity(0); got != nil {
		t.Errorf("an ended run has the activity %+v", got)
	}
}

// A message that the provider refused is in no later prompt, until it is answered after all.
func TestRejectedMessagesAreInNoPrompt(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	answer := func(question string, o session.Outcome) (sent session.Sent, prompt string) {
		sent = h.send(t, ann, "k", question)
		b := h.begin(t, "k")
		for _, m := range b.History {
			prompt += string(m.Role[0]) + ":" + m.Content + " "
		}
		if o.Status == session.RunCompleted {
			h.say(t, b, "answer")
		}
		if err := h.Finish(t.Context(), b, o); err != nil {
			t.Fatal(err)
		}
		return sent, prompt
	}
	completed := session.Outcome{Status: session.RunCompleted, Finish: protocol.FinishFilter}
	refused := session.Outcome{Status: session.RunFailed, Code: protocol.FailedPrecondition,
		Error: "No.", Rejected: true}
	failed := session.Outcome{Status: session.RunFailed, Code: protocol.Unavailable, Error: "Gone."}
	answer("one", completed)
	sent, prompt := answer("two", refused)
	if prompt != "u:one a:answer u:two " {
		t.Errorf("the refused message was asked as %q", prompt)
	}
	if _, prompt = answer("three", failed); prompt != "u:one a:answer u:three " {
		t.Errorf("after a refusal, the prompt is %q", prompt)
	}
	if _, prompt = answer("four", completed); prompt != "u:one a:answer u:three a: u:four " {
		t.Errorf("after a failure, the prompt is %q", prompt)
	}
	var told []string
	for _, m := range h.history(t, "k") {
		if m.Rejected || m.Finish != "" {
			told = append(told, m.ReplyTo+" "+string(m.Finish)+" "+m.Error)
		}
	}
	if len(told) != 3 || told[1] != sent.MessageID+"  No." || !strings.HasSuffix(told[2], " filter ") {
		t.Errorf("the transcript says %q", told)
	}
	if _, err := h.Retry(t.Context(), ann.To("k"), session.RetryRequest{RunID: sent.RunID}); err != nil {
		t.Fatal(err)
	}
	b := h.begin(t, "k")
	h.say(t, b, "yes")
	h.finish(t, b, session.RunCompleted)
	if _, prompt = answer("five", completed); !strings.Contains(prompt, "u:two a: a:yes ") {
		t.Errorf("after it was answered, the prompt is %q", prompt)
	}
	h.checkLog(t, "k")
}
