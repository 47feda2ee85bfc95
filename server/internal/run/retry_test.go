package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/anthropic"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/openai"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// failingAgent fails that many times before it answers.
type failingAgent struct {
	failures int
	failure  error
	first    agent.Piece // what it emits before each failure
	calls    []time.Time // of Run
}

func (s *failingAgent) Run(_ context.Context, _ agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	s.calls = append(s.calls, time.Now())
	if len(s.calls) <= s.failures {
		return agent.Usage{}, errors.Join(emit(s.first), s.failure)
	}
	return agent.Usage{}, emit(agent.Piece{Text: "word"})
}

// delays returns the times between the calls.
func (s *failingAgent) delays() []time.Duration {
	var delays []time.Duration
	for i := 1; i < len(s.calls); i++ {
		delays = append(delays, s.calls[i].Sub(s.calls[i-1]))
	}
	return delays
}

// phases returns the activities that were stored for a run.
func (fake *fakeSessions) phases(a *storedAnswer) []string {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	var phases []string
	for _, p := range a.pieces {
		if p.Activity != nil {
			phases = append(phases, p.Activity.Phase)
		}
	}
	return phases
}

func overloaded() *agent.Error {
	return &agent.Error{Code: agent.Unavailable, Retryable: true,
		Message: "The model server is overloaded."}
}

// If an agent fails before it has emitted text, it is run again after growing delays, and
// readers see that it is being retried.
func TestAgentIsRetried(t *testing.T) {
	t.Parallel()
	for failures := range maxTries {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeSessions()
			a := &failingAgent{failures: failures, failure: overloaded()}
			r := newRunner(fake, a)
			got := fake.enqueue("k", "r", "a")
			r.Wake("k")
			advance(500 * time.Millisecond)
			if phases := fake.phases(got); len(phases) != min(failures, 1) {
				t.Errorf("half a second after the first of %d failures, the activities are %q",
					failures, phases)
			}
			advance(time.Minute)
			got.want(t, session.RunCompleted, "", "word")
			var phases []string
			for i, delay := range a.delays() {
				phases = append(phases, protocol.PhaseRetrying)
				if least := firstRetryDelay << i; delay < least || delay > least*3/2 {
					t.Errorf("delay %d took %v", i+1, delay)
				}
			}
			if failures > 0 {
				phases = append(phases, protocol.PhaseAnswering)
			}
			if len(a.calls) != failures+1 || !reflect.DeepEqual(fake.phases(got), phases) {
				t.Errorf("%d calls after %d failures; the activities are %q, want %q", len(a.calls),
					failures, fake.phases(got), phases)
			}
		})
	}
}

// Which failures are retried, and how often.
func TestRetriesAreLimited(t *testing.T) {
	t.Parallel()
	after := func(d time.Duration) *agent.Error {
		return &agent.Error{Code: agent.ResourceExhausted, Retryable: true, RetryAfter: d,
			Message: "Too many requests."}
	}
	for name, c := range map[string]struct {
		first    agent.Piece
		failure  error
		tries    int
		sentence string
	}{
		"always overloaded": {agent.Piece{}, overloaded(), maxTries,
			"The model server is overloaded. It was tried 4 times."},
		"wrapped": {agent.Piece{}, fmt.Errorf("run: %w", overloaded()), maxTries,
			"The model server is overloaded. It was tried 4 times."},
		"after an activity": {agent.Piece{Activity: "looking"}, overloaded(), maxTries,
			"The model server is overloaded. It was tried 4 times."},
		"after a word": {agent.Piece{Text: "well"}, overloaded(), 1,
			"The model server is overloaded."},
		"after a thought": {agent.Piece{Thinking: "hm"}, overloaded(), 1,
			"The model server is overloaded."},
		"the agent says it emitted": {agent.Piece{},
			&agent.Error{Code: agent.Unavailable, Retryable: true, Emitted: true, Message: "Gone."},
			1, "Gone."},
		"not retryable": {agent.Piece{},
			&agent.Error{Code: agent.FailedPrecondition, Message: "No key."}, 1, "No key."},
		"not an agent's failure": {agent.Piece{}, errors.New("what"), 1,
			"The answer failed because of a bug in the gateway. It was logged."},
		"a provider's delay": {agent.Piece{}, after(45 * time.Second), 3,
			"Too many requests. It was tried 3 times."},
		"a minute's limit": {agent.Piece{}, after(time.Minute), 2,
			"Too many requests. It was tried 2 times."},
		"a server's delay": {agent.Piece{}, &agent.Error{Code: agent.Unavailable, Retryable: true,
			RetryAfter: 25 * time.Second, Message: "Overloaded."}, 3,
			"Overloaded. It was tried 3 times."},
		"interrupted": {agent.Piece{}, &agent.Error{Code: agent.Interrupted, Retryable: true,
			Message: "Stopped."}, maxTries, "Stopped. It was tried 4 times."},
		"too long a delay": {agent.Piece{}, after(2 * time.Minute), 1,
			"Too many requests."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				a := &failingAgent{failures: 99, failure: c.failure, first: c.first}
				r := newRunner(fake, a)
				got := fake.enqueue("k", "r", "a")
				r.Wake("k")
				advance(10 * time.Minute)
				if len(a.calls) != c.tries || got.outcome == nil ||
					got.outcome.Status != session.RunFailed || got.outcome.Error != c.sentence {
					t.Errorf("%d calls, want %d; ended as %+v, want the sentence %q", len(a.calls),
						c.tries, got.outcome, c.sentence)
				}
				if got.ended > limitWindow ||
					got.ended > retryWindow && got.outcome.Code != protocol.ResourceExhausted {
					t.Errorf("ended after %v", got.ended)
				}
				var failure *agent.Error
				for _, delay := range a.delays() {
					if errors.As(c.failure, &failure) && delay < failure.RetryAfter {
						t.Errorf("retried after %v, want %v at least", delay, failure.RetryAfter)
					}
				}
			})
		})
	}
}

// There is no retry if the first try took longer than retryWindow.
func TestSlowFailuresAreNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		tries := 0
		r := newRunner(fake, agentFunc(func(context.Context, agent.Request,
			func(agent.Piece) error) (agent.Usage, error) {
			tries++
			time.Sleep(retryWindow)
			return agent.Usage{}, &agent.Error{Code: agent.Timeout, Retryable: true,
				Message: "It did not begin."}
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Hour)
		if got.want(t, session.RunFailed, protocol.AgentTimeout, ""); tries != 1 ||
			got.outcome.Error != "It did not begin." {
			t.Errorf("tried %d times, ended as %+v", tries, got.outcome)
		}
	})
}

// While a run waits, its readers learn why, and until when.
func TestWaitsAreExplained(t *testing.T) {
	t.Parallel()
	for reason, failure := range map[string]*agent.Error{
		protocol.WaitRateLimit: {Code: agent.ResourceExhausted, Retryable: true,
			RetryAfter: 30 * time.Second, Message: "Too many requests."},
		protocol.WaitServer: overloaded(),
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeSessions()
			a := &failingAgent{failures: 1, failure: failure}
			r := newRunner(fake, a)
			got := fake.enqueue("k", "r", "a")
			r.Wake("k")
			advance(100 * time.Millisecond)
			fake.mu.Lock()
			stored := slices.Clone(got.pieces)
			fake.mu.Unlock()
			if len(stored) != 1 || stored[0].Activity == nil {
				t.Fatalf("stored %+v while the run waits", stored)
			}
			told := *stored[0].Activity
			advance(time.Minute)
			got.want(t, session.RunCompleted, "", "word")
			if want := protocol.At(a.calls[1]); told.Phase != protocol.PhaseRetrying ||
				told.Reason != reason || told.Until > want || told.Until < want-1 {
				t.Errorf("readers were told %+v; asked again at %v", told, want)
			}
		})
	}
}

// An abort ends the wait for a rate limit at once.
func TestAbortWhileWaitingForALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		a := &failingAgent{failures: 9, failure: &agent.Error{Code: agent.ResourceExhausted,
			Retryable: true, RetryAfter: 50 * time.Second, Message: "Too many requests."}}
		r := newRunner(fake, a)
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(20 * time.Second)
		if stopped := r.Abort("k", "r"); stopped != "r" {
			t.Errorf("Abort stopped %q", stopped)
		}
		synctest.Wait()
		if got.want(t, session.RunCancelled, "", ""); got.ended != 20*time.Second || len(a.calls) != 1 {
			t.Errorf("ended after %v and %d calls", got.ended, len(a.calls))
		}
	})
}

// An abort ends the delay before a retry. So does Stop, whatever its context.
func TestDelayEndsEarly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(*Runner)
		status session.RunStatus
		codes  []protocol.Code
	}{
		"by an abort": {func(r *Runner) { r.Abort("k", "r") }, session.RunCancelled,
			[]protocol.Code{""}},
		"by a stop": {func(r *Runner) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			r.Stop(ctx)
		}, session.RunFailed, []protocol.Code{protocol.Unavailable}},
		"by a stop with a context that is done": {func(r *Runner) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			r.Stop(ctx)
			// whichever comes first
		}, session.RunFailed, []protocol.Code{protocol.Unavailable, protocol.Interrupted}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				a := &failingAgent{failures: 99, failure: overloaded()}
				r := newRunner(fake, a)
				got := fake.enqueue("k", "r", "a")
				r.Wake("k")
				advance(2500 * time.Millisecond) // the second delay lasts until 3 s at least
				before := time.Since(fake.start)
				c.end(r)
				synctest.Wait()
				if got.outcome == nil || got.outcome.Status != c.status || got.ended != before {
					t.Fatalf("ended as %+v after %v", got.outcome, got.ended)
				}
				if !slices.Contains(c.codes, got.outcome.Code) || len(a.calls) != 2 {
					t.Errorf("ended as %+v after %d calls", got.outcome, len(a.calls))
				}
			})
		})
	}
}

// While the Runner stops, there is no retry.
func TestNoRetryWhileStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		tries := 0
		r := newRunner(fake, agentFunc(func(context.Context, agent.Request,
			func(agent.Piece) error) (agent.Usage, error) {
			tries++
			time.Sleep(time.Second)
			return agent.Usage{}, overloaded()
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Millisecond)
		r.Stop(t.Context())
		got.want(t, session.RunFailed, protocol.Unavailable, "")
		if tries != 1 || got.ended != time.Second || len(got.pieces) != 0 {
			t.Errorf("%d tries, ended after %v, with the activities %q", tries, got.ended,
				fake.phases(got))
		}
	})
}

// With a provider over HTTP, its response decides when the request is retried. Each retry
// is announced by an activity.
func TestProvidersAreRetried(t *testing.T) {
	t.Parallel()
	const (
		openAIAnswer = `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":"stop"}]}`
		openAIDone   = `data: [DONE]`
		claudeStart  = "event: content_block_start\n" +
			`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"word"}}`
		claudeStop = "event: message_stop\n" + `data: {"type":"message_stop"}`
	)
	providers := map[string]struct {
		make   func(*agenttest.Server) (agent.Agent, error)
		answer []string
	}{
		"openai": {func(s *agenttest.Server) (agent.Agent, error) {
			return openai.New(openai.Config{BaseURL: s.URL + "/v1", Model: "m",
				Transport: s.Transport})
		}, []string{openAIAnswer, openAIDone}},
		"anthropic": {func(s *agenttest.Server) (agent.Agent, error) {
			return anthropic.New(anthropic.Config{BaseURL: s.URL, Model: "m", APIKey: "k",
				Transport: s.Transport})
		}, []string{claudeStart, claudeStop}},
	}
	failing := func(status int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.Header().Set("X-Should-Retry", "true")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"message":"not now","type":"error"}}`)
		}
	}
	hangup := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		failures []http.HandlerFunc
		delays   []time.Duration // the minimum before each retry
		sentence string          // part of the failed run's; "" if the run completes
	}{
		"unavailable once": {[]http.HandlerFunc{failing(503)},
			[]time.Duration{time.Second}, ""},
		"unavailable for a while": {[]http.HandlerFunc{failing(503, "Retry-After", "20")},
			[]time.Duration{20 * time.Second}, ""},
		"too many, with a time": {[]http.HandlerFunc{failing(429, "Retry-After", "7"),
			failing(429, "Retry-After-Ms", "2500")},
			[]time.Duration{7 * time.Second, 2500 * time.Millisecond}, ""},
		"too many, without": {[]http.HandlerFunc{failing(429)},
			[]time.Duration{5 * time.Second}, ""},
		"hangs up": {[]http.HandlerFunc{hangup, failing(500), failing(529)},
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, ""},
		"for a day": {[]http.HandlerFunc{failing(503, "Retry-After", "86400")}, nil,
			"overloaded"},
		"refuses the key": {[]http.HandlerFunc{failing(503), failing(401)},
			[]time.Duration{time.Second}, "It was tried 2 times."},
		"is never there": {[]http.HandlerFunc{failing(503), failing(503), failing(503),
			failing(503)},
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
			"It was tried 4 times."},
	} {
		for provider, p := range providers {
			t.Run(provider+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var requests []time.Time
					server := agenttest.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
						requests = append(requests, time.Now())
						_, _ = io.Copy(io.Discard, r.Body)
						if n := len(requests); n <= len(c.failures) {
							c.failures[n-1](w, r)
							return
						}
						agenttest.Stream(w, p.answer...)
					})
					a, err := p.make(server)
					if err != nil {
						t.Fatal(err)
					}
					fake := newFakeSessions()
					r := newRunner(fake, a)
					got := fake.enqueue("k", "r", "a")
					r.Wake("k")
					advance(2 * time.Minute)
					if c.sentence == "" {
						got.want(t, session.RunCompleted, "", "word")
					} else if got.outcome == nil || got.outcome.Status != session.RunFailed ||
						!strings.Contains(got.outcome.Error, c.sentence) {
						t.Errorf("ended as %+v, want …%s…", got.outcome, c.sentence)
					}
					announced := 0
					for _, phase := range fake.phases(got) {
						if phase == protocol.PhaseRetrying {
							announced++
						}
					}
					if len(requests) != len(c.delays)+1 || announced != len(c.delays) {
						t.Fatalf("%d requests, %d announced retries, want %d delays", len(requests),
							announced, len(c.delays))
					}
					for i, least := range c.delays {
						if delay := requests[i+1].Sub(requests[i]); delay < least {
							t.Errorf("delay %d took %v, want %v", i+1, delay, least)
						}
					}
				})
			})
		}
	}
}
