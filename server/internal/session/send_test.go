package session_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sends with one idempotency key, at once and from anywhere, make one session,
// one message and one run, and all get its answer.
func TestConcurrentRepeatsMakeOneMessage(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for i := range 20 {
		r := session.SendRequest{DefaultAgent: "demo", Message: "Hi", IdempotencyKey: fmt.Sprint(i)}
		key := ""
		if i%2 == 0 {
			key = fmt.Sprint("session-", i)
		}
		sent := h.concurrently(t,
			func() (session.Sent, error) { return h.Send(context.Background(), ann.To(key), r) })
		if messages := h.history(t, sent.SessionKey); len(messages) != 2 ||
			messages[0].ID != sent.MessageID {
			t.Errorf("the transcript is %v", encoded(messages))
		}
		h.checkLog(t, sent.SessionKey)
	}
	list, err := h.List(t.Context(), session.List{UserID: "ann", Limit: 100})
	if err != nil || len(list.Sessions) != 20 {
		t.Errorf("there are %d sessions (%v)", len(list.Sessions), err)
	}
}

// concurrently calls send four times at the same time, and fails unless there is one run,
// whose answer all four get.
func (h testService) concurrently(t *testing.T, send func() (session.Sent, error)) session.Sent {
	t.Helper()
	var all [4]session.Sent
	var answers [len(all)]string
	var wg sync.WaitGroup
	for n := range all {
		wg.Go(func() {
			var err error
			if all[n], err = send(); err != nil {
				t.Errorf("send: %v", err)
				return
			}
			if err := h.OnEnd(context.Background(), all[n].RunID,
				func(e session.Ended) { answers[n] = e.Content }); err != nil {
				t.Errorf("wait: %v", err)
			}
		})
	}
	wg.Wait()
	duplicates := 0
	for _, s := range all {
		if s.Duplicate {
			duplicates++
		}
		s.Duplicate, s.Queued = all[0].Duplicate, all[0].Queued
		if s != all[0] {
			t.Fatalf("two repeats got %+v and %+v", s, all[0])
		}
	}
	if duplicates != len(all)-1 {
		t.Errorf("%d of %d were repeats", duplicates, len(all))
	}
	a, err := h.Status(t.Context(), root.To(all[0].SessionKey))
	if err != nil || a.Queued != 1 {
		t.Errorf("%d runs wait (%v)", a.Queued, err)
	}
	b := h.begin(t, all[0].SessionKey)
	h.say(t, b, "answer to "+b.Run.ID)
	h.finish(t, b, session.RunFailed)
	for _, got := range answers {
		if got != "answer to "+all[0].RunID {
			t.Errorf("one got %q", got)
		}
	}
	return all[0]
}

func TestIdempotencyKeysAreAUsers(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	send := func(who session.Caller, key, text string) (session.Sent, error) {
		return h.Send(t.Context(), who.To(key),
			session.SendRequest{DefaultAgent: "demo", Message: text, IdempotencyKey: "k"})
	}
	first, err := send(ann, "one", "Hi")
	if err != nil {
		t.Fatal(err)
	}
	bens, err := send(ben, "two", "Hi")
	if err != nil || bens.Duplicate || bens.RunID == first.RunID {
		t.Errorf("ben's key is ann's: %+v (%v)", bens, err)
	}
	_, err = send(ann, "one", "Hi!")
	refused(t, "another text under a used key", err, protocol.AlreadyExists)
	// A repeat gets the first result, even if it names another user's session.
	for _, key := range []string{"three", "two", ""} {
		again, err := send(ann, key, "Hi")
		if err != nil || !again.Duplicate || again.SessionKey != "one" ||
			again.RunID != first.RunID {
			t.Errorf("a repeat to %q gave %+v (%v)", key, again, err)
		}
	}
	if err := h.Delete(t.Context(), ann.To("one")); err != nil {
		t.Fatal(err)
	}
	again, err := send(ann, "one", "Hi")
	if err != nil || !again.Duplicate || again.Epoch != first.Epoch || again.Seq != first.Seq {
		t.Errorf("a repeat after the deletion gave %+v (%v)", again, err)
	}
	_, err = h.Find(t.Context(), ann.To("one"))
	refused(t, "the deleted session", err, protocol.NotFound)
}

func TestMaxQueuedRuns(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for i := range 1 + protocol.MaxQueuedRuns {
		if sent := h.send(t, ann, "k", "Hi"); sent.Queued != (i > 0) {
			t.Errorf("send %d is queued: %v", i, sent.Queued)
		}
	}
	rec := h.checkLog(t, "k")
	request := session.SendRequest{DefaultAgent: "demo", Message: "Hi", IdempotencyKey: "i"}
	_, err := h.Send(t.Context(), ann.To("k"), request)
	refused(t, "one too many", err, protocol.ResourceExhausted)
	if e := err.(*protocol.Error); !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("%+v does not say when to try again", e)
	}
	if now := h.checkLog(t, "k"); now != rec {
		t.Errorf("a refused send changed the session to %+v", now)
	}
	b := h.begin(t, "k")
	_, err = h.Send(t.Context(), ann.To("k"), request)
	refused(t, "one too many while the first runs", err, protocol.ResourceExhausted)
	h.finish(t, b, session.RunCompleted)
	// The key of a refused send can be used again.
	if sent, err := h.Send(t.Context(), ann.To("k"), request); err != nil || sent.Duplicate {
		t.Errorf("after an answer: %+v (%v)", sent, err)
	}
}

// The active runs of a user are limited, in all sessions together. Other users have their
// own limit.
func TestMaxRunsPerUser(t *testing.T) {
	t.Parallel()
	most := 2
	h := newTestServiceWith(openStore(t),
		func() session.Settings { return session.Settings{MaxRunsPerUser: most} })
	h.send(t, ann, "one", "Hi")
	h.send(t, ann, "two", "Hi")
	request := session.SendRequest{DefaultAgent: "demo", Message: "Hi", IdempotencyKey: "i"}
	_, err := h.Send(t.Context(), ann.To("three"), request)
	refused(t, "a third one", err, protocol.ResourceExhausted)
	if e := err.(*protocol.Error); !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("%+v does not say when to try again", e)
	}
	if _, err := h.Find(t.Context(), ann.To("three")); err == nil {
		t.Error("a refused send opened a session")
	}
	h.send(t, ben, "ben's", "Hi")
	failed := h.begin(t, "one")
	h.finish(t, failed, session.RunFailed)
	if sent, err := h.Send(t.Context(), ann.To("three"), request); err != nil || sent.Duplicate {
		t.Errorf("after an end: %+v (%v)", sent, err)
	}
	retry := session.RetryRequest{RunID: failed.Run.ID}
	_, err = h.Retry(t.Context(), ann.To("one"), retry)
	refused(t, "a retry beyond that", err, protocol.ResourceExhausted)
	most = 0
	if _, err := h.Retry(t.Context(), ann.To("one"), retry); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestSendOpensASession(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent, err := h.Send(t.Context(), ann.To(""),
		session.SendRequest{AgentID: "a", DefaultAgent: "demo", Message: "# Hello\nyou",
			Stream: true})
	if err != nil || !strings.HasPrefix(sent.SessionKey, "agent:a:ws:direct:") ||
		len(sent.SessionKey) != len("agent:a:ws:direct:")+36 {
		t.Fatalf("%+v (%v)", sent, err)
	}
	rec := h.checkLog(t, sent.SessionKey)
	if rec.AgentID != "a" || rec.UserID != "ann" || rec.Label != "Hello" || rec.Epoch == "" ||
		rec.Epoch != sent.Epoch || sent.Seq != rec.LastSeq {
		t.Errorf("made %+v by %+v", rec, sent)
	}
	b := h.begin(t, sent.SessionKey)
	if b.Run.AgentID != "a" || !b.Run.Stream {
		t.Errorf("its run is %+v", b.Run)
	}
	_, err = h.Send(t.Context(), ann.To(sent.SessionKey),
		session.SendRequest{AgentID: "b", DefaultAgent: "demo", Message: "Hi"})
	refused(t, "another agent", err, protocol.InvalidRequest)
	// A deleted session starts again, with any agent.
	if err := h.Delete(t.Context(), ann.To(sent.SessionKey)); err != nil {
		t.Fatal(err)
	}
	again, err := h.Send(t.Context(), ann.To(sent.SessionKey),
		session.SendRequest{AgentID: "b", Message: "New"})
	if err != nil || again.Epoch == sent.Epoch {
		t.Fatalf("%+v (%v)", again, err)
	}
	if rec := h.checkLog(t, sent.SessionKey); rec.AgentID != "b" || rec.Label != "New" ||
		rec.UserID != "ann" {
		t.Errorf("made again %+v", rec)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Hi":                           "Hi",
		"  two \t words \r\n and more": "two words",
		"":                             "New chat",
		" \n\t":                        "New chat",
		"tab\x00nul\x1b[31m":           "tab nul [31m",
		"safe\u202egpj.exe":            "safe gpj.exe",
		strings.Repeat("ä", 60):        strings.Repeat("ä", 60),
		strings.Repeat("ä", 61):        strings.Repeat("ä", 59) + "…",
		strings.Repeat("a", 58) + "👩\u200d💻 code": strings.Repeat("a", 58) + "…",
		"cut at a word " + strings.Repeat("x", 20) + " " +
			strings.Repeat("y", 40): "cut at a word " + strings.Repeat("x", 20) + "…",
	} {
		got := session.Title(message)
		if got != want || utf8.RuneCountInString(got) > 60 {
			t.Errorf("Title(%q) = %q, want %q", message, got, want)
		}
	}
}
