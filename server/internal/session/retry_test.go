package session_test

import (
	"context"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// failed sends a message whose answer fails.
func (h testService) failed(t failer, key, question, answer string) session.Sent {
	t.Helper()
	sent := h.send(t, ann, key, question)
	b := h.begin(t, key)
	h.say(t, b, answer)
	h.finish(t, b, session.RunFailed)
	return sent
}

// A retry produces another answer to the same message, after the failed one. Its event
// shows the message.
func TestRetry(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent := h.failed(t, "k", "question", "part")
	asked := h.history(t, "k")[0]
	again, err := h.Retry(t.Context(), root.To("k"),
		session.RetryRequest{RunID: sent.RunID, Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := (session.Sent{RunID: again.RunID, SessionKey: "k", MessageID: sent.MessageID,
		Epoch: sent.Epoch, Seq: h.checkLog(t, "k").LastSeq, Owner: "ann"}); again != want {
		t.Errorf("retried as %+v, want %+v", again, want)
	}
	published := h.published.log("k")
	var e protocol.ChatEvent
	if err := protocol.Decode(published[again.Seq-1].Payload, &e); err != nil {
		t.Fatal(err)
	}
	sameMessages(t, "the event", []protocol.Message{e.Message}, []protocol.Message{asked})
	b := h.begin(t, "k")
	if b.Run.ID != again.RunID || b.Run.UserID != "root" || !b.Run.Stream || len(b.History) != 1 ||
		b.History[0].ID != sent.MessageID {
		t.Errorf("begun %+v", b)
	}
	h.say(t, b, "whole")
	h.finish(t, b, session.RunCompleted)
	h.checkLog(t, "k")
	var texts []string
	for _, m := range h.history(t, "k") {
		texts = append(texts, string(m.Role)+" "+string(m.Status)+" "+m.Content)
	}
	want := []string{"user complete question", "assistant failed part", "assistant complete whole"}
	if len(texts) != 3 || texts[0] != want[0] || texts[1] != want[1] || texts[2] != want[2] {
		t.Errorf("the transcript is %q, want %q", texts, want)
	}
}

// Retries with one idempotency key, at once, make one run, and all get its
// answer.
func TestConcurrentRetriesMakeOneRun(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for _, key := range []string{"one", "two", "three", "four"} {
		sent := h.failed(t, key, "question", "part")
		again := h.concurrently(t, func() (session.Sent, error) {
			return h.Retry(context.Background(), ann.To(key),
				session.RetryRequest{RunID: sent.RunID, IdempotencyKey: "of " + key})
		})
		if messages := h.history(t, key); again.MessageID != sent.MessageID || len(messages) != 3 {
			t.Errorf("%+v was retried as %+v; the transcript is %v", sent, again, encoded(messages))
		}
		h.checkLog(t, key)
	}
}

// Without a key, one of several concurrent retries succeeds: the others find its run.
func TestConcurrentRetriesWithoutAKey(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent := h.failed(t, "k", "question", "part")
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := h.Retry(context.Background(), ann.To("k"),
				session.RetryRequest{RunID: sent.RunID})
			done <- err
		}()
	}
	made := 0
	for range 4 {
		if err := <-done; err == nil {
			made++
		} else {
			refused(t, "the same retry", err, protocol.FailedPrecondition)
		}
	}
	if a, err := h.Status(t.Context(), ann.To("k")); err != nil || made != 1 || a.Queued != 1 {
		t.Errorf("%d retries were made, %d wait (%v)", made, a.Queued, err)
	}
}

// The idempotency key of a send cannot be used for a retry, and the other way round.
func TestKeysOfSendsAndRetries(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	run := h.failed(t, "k", "question", "part").RunID
	send := func(text, key string) error {
		_, err := h.Send(t.Context(), ann.To("k"),
			session.SendRequest{Message: text, IdempotencyKey: key})
		return err
	}
	retry := func(key string) error {
		_, err := h.Retry(t.Context(), ann.To("k"),
			session.RetryRequest{RunID: run, IdempotencyKey: key})
		return err
	}
	if err := send("retry:"+run, "a send's"); err != nil {
		t.Fatal(err)
	}
	refused(t, "a retry under a send's key", retry("a send's"), protocol.AlreadyExists)
	if err := retry("a retry's"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"retry:" + run, run, "question"} {
		refused(t, "a send under a retry's key", send(text, "a retry's"), protocol.AlreadyExists)
	}
}

// A withdrawn retry leaves its message unchanged, and the message can be retried again.
func TestWithdrawnRetry(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent := h.failed(t, "k", "question", "part")
	before := h.history(t, "k")
	run := sent.RunID
	for range 3 {
		again, err := h.Retry(t.Context(), ann.To("k"), session.RetryRequest{RunID: run})
		if err != nil {
			t.Fatal(err)
		}
		withdrawn, _, err := h.Withdraw(t.Context(), ann.To("k"), again.RunID)
		if err != nil || len(withdrawn) != 1 {
			t.Fatalf("withdrawn %v (%v)", withdrawn, err)
		}
		h.checkLog(t, "k")
		sameMessages(t, "afterwards", h.history(t, "k"), before)
		run = again.RunID
	}
}
