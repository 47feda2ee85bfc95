// Package agenttest tests that an agent keeps the contract of [agent.Agent].
//
// [Contract] is for every agent. [ModelContract] is for agents that call a model over
// HTTP: it runs them against model servers that stall, break off, lie and repeat the API
// key. The servers of [NewServer] live in a synctest bubble, so that timeouts take no
// real time.
package agenttest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// Subject makes the agents that [Contract] tests. Its functions are called in a synctest
// bubble: what they start must end with t's cleanups, and the agents' servers must live
// in the bubble too ([NewServer]).
type Subject struct {
	// Question is the conversation that the agents answer.
	Question []agent.Message
	// Answering returns an agent that answers Question with whole, in three pieces or
	// more.
	Answering func(t *testing.T) (a agent.Agent, whole string)
	// Endless returns an agent whose answer to Question lasts for hours, with seconds
	// between its pieces.
	Endless func(t *testing.T) agent.Agent
	// Silent returns an agent that does not begin to answer Question within a minute.
	Silent func(t *testing.T) agent.Agent
}

// Contract runs the tests. Each also proves that no goroutine outlives its run: otherwise
// the bubble would not end.
func Contract(t *testing.T, s Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"the pieces are the answer":         testWhole,
		"runs do not mix":                   testConcurrent,
		"an error of emit ends the run":     testEmitError,
		"cancelling ends it between pieces": testCancelInEmit,
		"cancelling ends it while waiting":  testCancelWaiting,
		"a deadline ends it":                testDeadline,
		"a context that is done":            testDone,
		"no messages":                       testNoMessages,
		"the request is not changed":        testRequest,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, s) })
		})
	}
}

func testWhole(t *testing.T, s Subject) {
	a, whole := s.Answering(t)
	var got strings.Builder
	pieces := 0
	usage, err := a.Run(t.Context(), s.request(), func(p agent.Piece) error {
		if p == (agent.Piece{}) {
			t.Error("an empty piece")
		}
		if !utf8.ValidString(p.Text) || !utf8.ValidString(p.Thinking) {
			t.Errorf("piece %+v is not valid UTF-8", p)
		}
		if p.Text != "" {
			pieces++
		}
		got.WriteString(p.Text)
		return nil
	})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if got.String() != whole {
		t.Errorf("the pieces are %q, want %q", got.String(), whole)
	}
	if pieces < 3 {
		t.Errorf("%d pieces, want a stream of at least 3", pieces)
	}
	if usage.InputTokens <= 0 || usage.OutputTokens <= 0 || usage.Finish != agent.FinishStop {
		t.Errorf("usage is %+v, want counts and %q", usage, agent.FinishStop)
	}
}

func testConcurrent(t *testing.T, s Subject) {
	a, whole := s.Answering(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var got strings.Builder
			if _, err := a.Run(t.Context(), s.request(), func(p agent.Piece) error {
				got.WriteString(p.Text)
				return nil
			}); err != nil {
				t.Errorf("Run: %v", err)
			}
			if got.String() != whole {
				t.Errorf("the pieces are %q, want %q", got.String(), whole)
			}
		})
	}
	group.Wait()
}

func testEmitError(t *testing.T, s Subject) {
	a := s.Endless(t)
	full := errors.New("no more space")
	for _, last := range []int{1, 3} {
		calls := 0
		start := time.Time{}
		_, err := a.Run(t.Context(), s.request(), func(agent.Piece) error {
			if calls++; calls == last {
				start = time.Now()
				return full
			}
			return nil
		})
		if err != full {
			t.Errorf("Run returned %v, want emit's own error", err)
		}
		if calls != last {
			t.Errorf("emit was called %d times, want none after its error at call %d", calls, last)
		}
		wantNoDelay(t, start)
	}
}

func testCancelInEmit(t *testing.T, s Subject) {
	a := s.Endless(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	start := time.Time{}
	_, err := a.Run(ctx, s.request(), func(agent.Piece) error {
		if calls++; calls == 2 {
			start = time.Now()
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
	if calls != 2 {
		t.Errorf("emit was called %d times, want none after the cancel at call 2", calls)
	}
	wantNoDelay(t, start)
}

func testCancelWaiting(t *testing.T, s Subject) {
	a := s.Silent(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now().Add(7 * time.Second)
	time.AfterFunc(7*time.Second, cancel)
	_, err := a.Run(ctx, s.request(), neverEmit(t))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
	wantNoDelay(t, start)
}

func testDeadline(t *testing.T, s Subject) {
	a := s.Silent(t)
	start := time.Now().Add(7 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), start)
	defer cancel()
	_, err := a.Run(ctx, s.request(), neverEmit(t))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v, want context.DeadlineExceeded", err)
	}
	wantNoDelay(t, start)
}

func testDone(t *testing.T, s Subject) {
	a, _ := s.Answering(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Run(ctx, s.request(), neverEmit(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
}

func testNoMessages(t *testing.T, s Subject) {
	a, _ := s.Answering(t)
	text := ""
	_, err := a.Run(t.Context(), agent.Request{}, func(p agent.Piece) error {
		text += p.Text
		return nil
	})
	var failure *agent.Error
	switch {
	case err == nil && text == "":
		t.Error("Run succeeded without an answer")
	case err != nil && !errors.As(err, &failure):
		t.Errorf("Run returned %v, want an *agent.Error", err)
	case err != nil && (failure.Retryable || failure.Message == ""):
		t.Errorf("Run returned %+v, want a message, and not retryable", failure)
	}
}

func testRequest(t *testing.T, s Subject) {
	a, _ := s.Answering(t)
	r := s.request()
	r.Messages = append(r.Messages, s.Question...) // two of one role in a row
	before := slices.Clone(r.Messages)
	if _, err := a.Run(t.Context(), r, func(agent.Piece) error { return nil }); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if !slices.EqualFunc(r.Messages, before,
		func(a, b agent.Message) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("Run changed the messages to %v, they were %v", r.Messages, before)
	}
}

func (s Subject) request() agent.Request {
	return agent.Request{Messages: slices.Clone(s.Question), Stream: true, UserID: "user-1"}
}

func neverEmit(t *testing.T) func(agent.Piece) error {
	return func(p agent.Piece) error {
		t.Errorf("emit was called with %+v", p)
		return nil
	}
}

// wantNoDelay fails if synthetic time has passed since then: Run must have waited for
// nothing.
func wantNoDelay(t *testing.T, since time.Time) {
	t.Helper()
	if d := time.Since(since); d != 0 {
		t.Errorf("Run returned after %v, want at once", d)
	}
}
