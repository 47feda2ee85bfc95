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
