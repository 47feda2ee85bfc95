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

// stumbling fails so many times before it answers, and notes when it was asked.
type stumbling struct {
	failures int
	failure  error
	first    agent.Piece // what it says before each failure
	asked    []time.Time
}

func (s *stumbling) Run(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
	s.asked = append(s.asked, time.Now())
	if len(s.asked) <= s.failures {
		return agent.Usage{}, errors.Join(emit(s.first), s.failure)
	}
	return agent.Usage{}, emit(agent.Piece{Text: "word"})
}

// waits are the times between the tries.
func (s *stumbling) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(s.asked); i++ {
		waits = append(waits, s.asked[i].Sub(s.asked[i-1]))
	}
	return waits
}

// phases are the activities that were stored of a run.
func (d *desk) phases(a *answered) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var phases []string
	for _, p := range a.pieces {
		if p.Activity != nil {
			phases = append(phases, p.Activity.Phase)
		}
	}
	return phases
}

func overloaded() *agent.Error {
	return &agent.Error{Code: agent.Unavailable, Retryable: true, Message: "The model server is overloaded."}
}

// An agent that fails before its first word is asked again, ever more patiently,
// and everybody sees why there is no answer yet.
func TestAgentIsAskedAgain(t *testing.T) {
	t.Parallel()
	for failures := range maxTries {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk()
			a := &stumbling{failures: failures, failure: overloaded()}
			r := one(d, a)
			got := d.ask("k", "r", "a")
			r.Wake("k")
			pass(500 * time.Millisecond)
			if phases := d.phases(got); len(phases) != min(failures, 1) {
				t.Errorf("half a second after the first failure of %d everybody is told %q", failures, phases)
			}
			pass(time.Minute)
			got.want(t, session.RunCompleted, "", "word")
			var phases []string
			for i, wait := range a.waits() {
				phases = append(phases, protocol.PhaseRetrying)
				if least := firstWait << i; wait < least || wait > least*3/2 {
					t.Errorf("wait %d took %v", i+1, wait)
				}
			}
			if failures > 0 {
				phases = append(phases, protocol.PhaseAnswering)
			}
			if len(a.asked) != failures+1 || !reflect.DeepEqual(d.phases(got), phases) {
				t.Errorf("asked %d times after %d failures; told %q, want %q", len(a.asked), failures, d.phases(got), phases)
			}
		})
	}
}

// What is not asked again, and how often what is.
func TestAgentIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	after := func(d time.Duration) *agent.Error {
		return &agent.Error{Code: agent.ResourceExhausted, Retryable: true, RetryAfter: d, Message: "Too many requests."}
	}
	for name, c := range map[string]struct {
		first    agent.Piece
		failure  error
		tries    int
		sentence string
	}{
		"for ever overloaded": {agent.Piece{}, overloaded(), maxTries, "The model server is overloaded. It was tried 4 times."},
		"wrapped":             {agent.Piece{}, fmt.Errorf("run: %w", overloaded()), maxTries, "The model server is overloaded. It was tried 4 times."},
		"after an activity":   {agent.Piece{Activity: "looking"}, overloaded(), maxTries, "The model server is overloaded. It was tried 4 times."},
		"after a word":        {agent.Piece{Text: "well"}, overloaded(), 1, "The model server is overloaded."},
		"after a thought":     {agent.Piece{Thinking: "hm"}, overloaded(), 1, "The model server is overloaded."},
		"its own word was heard": {agent.Piece{}, &agent.Error{Code: agent.Unavailable, Retryable: true, Emitted: true, Message: "Gone."},
			1, "Gone."},
		"not to be mended by trying": {agent.Piece{}, &agent.Error{Code: agent.FailedPrecondition, Message: "No key."}, 1, "No key."},
		"no failure of an agent":     {agent.Piece{}, errors.New("what"), 1, "The answer failed because of a bug in the gateway. It was logged."},
		"a provider with patience":   {agent.Piece{}, after(25 * time.Second), 3, "Too many requests. It was tried 3 times."},
		"a provider with too much":   {agent.Piece{}, after(2 * time.Minute), 1, "Too many requests."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				a := &stumbling{failures: 99, failure: c.failure, first: c.first}
				r := one(d, a)
				got := d.ask("k", "r", "a")
				r.Wake("k")
				pass(10 * time.Minute)
				if len(a.asked) != c.tries || got.outcome == nil || got.outcome.Status != session.RunFailed || got.outcome.Error != c.sentence {
					t.Errorf("asked %d times, want %d; ended as %+v, want the sentence %q", len(a.asked), c.tries, got.outcome, c.sentence)
				}
				if got.ended > maxRetrying {
					t.Errorf("ended after %v", got.ended)
				}
				var failure *agent.Error
				for _, wait := range a.waits() {
					if errors.As(c.failure, &failure) && wait < failure.RetryAfter {
						t.Errorf("asked again after %v, %v were asked for", wait, failure.RetryAfter)
					}
				}
			})
		})
	}
}

// A first try that took long is not followed by others that may take as long.
func TestSlowFailuresAreNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		tries := 0
		r := one(d, acting(func(context.Context, agent.Request, func(agent.Piece) error) (agent.Usage, error) {
			tries++
			time.Sleep(maxRetrying)
			return agent.Usage{}, &agent.Error{Code: agent.Timeout, Retryable: true, Message: "It did not begin."}
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(time.Hour)
		if got.want(t, session.RunFailed, protocol.AgentTimeout, ""); tries != 1 || got.outcome.Error != "It did not begin." {
			t.Errorf("tried %d times, ended as %+v", tries, got.outcome)
		}
	})
}

// Nobody waits for a wait: an abort ends it, and so does a stop, however much
// time it has.
func TestWaitToAskAgainEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(*Runner)
		status session.RunStatus
		codes  []protocol.Code
	}{
		"by an abort": {func(r *Runner) { r.Abort("k", "r") }, session.RunCancelled, []protocol.Code{""}},
		"by a stop": {func(r *Runner) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			r.Stop(ctx)
		}, session.RunFailed, []protocol.Code{protocol.Unavailable}},
		"by a stop without time": {func(r *Runner) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			r.Stop(ctx)
		}, session.RunFailed, []protocol.Code{protocol.Unavailable, protocol.Interrupted}}, // whichever comes first
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				a := &stumbling{failures: 99, failure: overloaded()}
				r := one(d, a)
				got := d.ask("k", "r", "a")
				r.Wake("k")
				pass(2500 * time.Millisecond) // the second wait lasts until 3 s at least
				before := time.Since(d.start)
				c.end(r)
				synctest.Wait()
				if got.outcome == nil || got.outcome.Status != c.status || got.ended != before {
					t.Fatalf("ended as %+v after %v", got.outcome, got.ended)
				}
				if !slices.Contains(c.codes, got.outcome.Code) || len(a.asked) != 2 {
					t.Errorf("ended as %+v, asked %d times", got.outcome, len(a.asked))
				}
			})
		})
	}
}

// A gateway that stops does not ask again.
func TestNoNewTryWhileStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		tries := 0
		r := one(d, acting(func(context.Context, agent.Request, func(agent.Piece) error) (agent.Usage, error) {
			tries++
			time.Sleep(time.Second)
			return agent.Usage{}, overloaded()
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(time.Millisecond)
		r.Stop(t.Context())
		got.want(t, session.RunFailed, protocol.Unavailable, "")
		if tries != 1 || got.ended != time.Second || len(got.pieces) != 0 {
			t.Errorf("tried %d times, ended after %v, told %q", tries, got.ended, d.phases(got))
		}
	})
}

// The whole way to a provider: what it answers over HTTP decides when it is
// asked again, and every request is one that is told of.
func TestProvidersAreAskedAgain(t *testing.T) {
	t.Parallel()
	const (
		openAIAnswer = `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":"stop"}]}`
		openAIDone   = `data: [DONE]`
		claudeStart  = "event: content_block_start\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"word"}}`
		claudeStop   = "event: message_stop\n" + `data: {"type":"message_stop"}`
	)
	providers := map[string]struct {
		make   func(*agenttest.Server) (agent.Agent, error)
		answer []string
	}{
		"openai": {func(s *agenttest.Server) (agent.Agent, error) {
			return openai.New(openai.Config{BaseURL: s.URL + "/v1", Model: "m", Transport: s.Transport})
		}, []string{openAIAnswer, openAIDone}},
		"anthropic": {func(s *agenttest.Server) (agent.Agent, error) {
			return anthropic.New(anthropic.Config{BaseURL: s.URL, Model: "m", APIKey: "k", Transport: s.Transport})
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
		waits    []time.Duration // the least
		says     string          // of a run that fails; empty: it answers
	}{
		"unavailable once":        {[]http.HandlerFunc{failing(503)}, []time.Duration{time.Second}, ""},
		"unavailable for a while": {[]http.HandlerFunc{failing(503, "Retry-After", "20")}, []time.Duration{20 * time.Second}, ""},
		"too many, with a time":   {[]http.HandlerFunc{failing(429, "Retry-After", "7"), failing(429, "Retry-After-Ms", "2500")}, []time.Duration{7 * time.Second, 2500 * time.Millisecond}, ""},
		"too many, without":       {[]http.HandlerFunc{failing(429)}, []time.Duration{5 * time.Second}, ""},
		"hangs up":                {[]http.HandlerFunc{hangup, failing(500), failing(529)}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, ""},
		"for a day":               {[]http.HandlerFunc{failing(503, "Retry-After", "86400")}, nil, "overloaded"},
		"refuses the key":         {[]http.HandlerFunc{failing(503), failing(401)}, []time.Duration{time.Second}, "It was tried 2 times."},
		"is never there": {[]http.HandlerFunc{failing(503), failing(503), failing(503), failing(503)},
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "It was tried 4 times."},
	} {
		for provider, p := range providers {
			t.Run(provider+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var asked []time.Time
					server := agenttest.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
						asked = append(asked, time.Now())
						_, _ = io.Copy(io.Discard, r.Body)
						if n := len(asked); n <= len(c.failures) {
							c.failures[n-1](w, r)
							return
						}
						agenttest.Stream(w, p.answer...)
					})
					a, err := p.make(server)
					if err != nil {
						t.Fatal(err)
					}
					d := newDesk()
					r := one(d, a)
					got := d.ask("k", "r", "a")
					r.Wake("k")
					pass(2 * time.Minute)
					if c.says == "" {
						got.want(t, session.RunCompleted, "", "word")
					} else if got.outcome == nil || got.outcome.Status != session.RunFailed || !strings.Contains(got.outcome.Error, c.says) {
						t.Errorf("ended as %+v, want …%s…", got.outcome, c.says)
					}
					told := 0
					for _, phase := range d.phases(got) {
						if phase == protocol.PhaseRetrying {
							told++
						}
					}
					if len(asked) != len(c.waits)+1 || told != len(c.waits) {
						t.Fatalf("asked %d times, told of %d, want %d waits", len(asked), told, len(c.waits))
					}
					for i, least := range c.waits {
						if wait := asked[i+1].Sub(asked[i]); wait < least {
							t.Errorf("wait %d took %v, want %v", i+1, wait, least)
						}
					}
				})
			})
		}
	}
}
