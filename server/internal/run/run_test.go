package run

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestPiecesAreBatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(100, 5*time.Millisecond))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Second)
		got.want(t, session.RunCompleted, "", words(100))
		if got.outcome.Usage != (protocol.Usage{InputTokens: 1, OutputTokens: 100}) {
			t.Errorf("usage %+v", got.outcome.Usage)
		}
		if got.times[0] != 0 || got.batches[0] != 1 {
			t.Errorf("the first word was stored after %v, with %d pieces", got.times[0],
				got.batches[0])
		}
		for i := range got.times[2:] { // the last one comes with the end
			if gap := got.times[i+1] - got.times[i]; gap < 40*time.Millisecond ||
				gap > 45*time.Millisecond {
				t.Errorf("the time between appends %d and %d is %v", i, i+1, gap)
			}
		}
		if n := len(got.pieces); n < 12 || n > 15 {
			t.Errorf("100 words in 495 ms make %d events", n)
		}
		if got.ended != 495*time.Millisecond {
			t.Errorf("the run ended after %v", got.ended)
		}
	})
}

// A word after a silence is appended at once.
func TestSlowWordsAreAppendedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(5, time.Second))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(10 * time.Second)
		got.want(t, session.RunCompleted, "", words(5))
		want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}
		if !reflect.DeepEqual(got.times, want) {
			t.Errorf("stored at %v, want %v", got.times, want)
		}
	})
}

func TestKindsOfPiecesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, agentFunc(func(_ context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			return agent.Usage{}, errors.Join(
				emit(agent.Piece{Activity: "thinking"}), emit(agent.Piece{Thinking: "h"}),
				emit(agent.Piece{Thinking: "m"}),
				emit(agent.Piece{Activity: "looking"}), emit(agent.Piece{Activity: "writing"}),
				emit(agent.Piece{}),
				emit(agent.Piece{Text: "a"}), emit(agent.Piece{Text: "b"}),
				emit(agent.Piece{Activity: "x",
					Thinking: "y", Text: "z"}))
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Second)
		got.want(t, session.RunCompleted, "", "abz")
		var flat []session.Piece
		for _, p := range got.pieces { // join the pieces of one kind in a row
			if last := len(flat) - 1; last >= 0 && p.Activity == nil &&
				flat[last].Activity == nil && (p.Text == "") == (flat[last].Text == "") {
				flat[last].Text += p.Text
				flat[last].Thinking += p.Thinking
				continue
			}
			flat = append(flat, p)
		}
		phase := func(s string) session.Piece { return session.Piece{Activity: &protocol.Activity{Phase: s}} }
		want := []session.Piece{phase("thinking"), {Thinking: "hm"}, phase("writing"), {Text: "ab"},
			phase("x"), {Thinking: "y"}, {Text: "z"}}
		if !reflect.DeepEqual(flat, want) {
			t.Errorf("stored %+v, want %+v", flat, want)
		}
	})
}

// Text that turns out to be reasoning is stored as such, in its place among the pieces.
func TestTextThatWasThinking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, agentFunc(func(_ context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			return agent.Usage{}, errors.Join(emit(agent.Piece{Text: "Hm."}),
				emit(agent.Piece{TextWasThinking: true, Text: "Four"}), emit(agent.Piece{Text: "."}))
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Second)
		want := []session.Piece{{Text: "Hm."}, {TextWasThinking: true}, {Text: "Four."}}
		if !reflect.DeepEqual(got.pieces, want) {
			t.Errorf("stored %+v, want %+v", got.pieces, want)
		}
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	upstream := &agent.Error{Code: agent.Unavailable, Message: "The model server is gone.",
		Cause: errors.New("dial tcp")}
	agentWith := func(usage agent.Usage, err error) agentFunc {
		return func(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage,
			error) {
			return usage, errors.Join(emit(agent.Piece{Text: "part"}), err)
		}
	}
	for name, c := range map[string]struct {
		agent    agent.Agent
		status   session.RunStatus
		code     protocol.Code
		sentence string // part of it
	}{
		"stop": {agentWith(agent.Usage{Finish: agent.FinishStop}, nil),
			session.RunCompleted, "", ""},
		"no reason": {agentWith(agent.Usage{}, nil), session.RunCompleted, "", ""},
		"length": {agentWith(agent.Usage{Finish: agent.FinishLength}, nil),
			session.RunCompleted, "", ""},
		"filter": {agentWith(agent.Usage{Finish: agent.FinishFilter}, nil),
			session.RunCompleted, "", ""},
		"interrupted": {agentWith(agent.Usage{}, &agent.Error{Code: agent.Interrupted,
			Retryable: true, Message: "Cut off."}), session.RunFailed, protocol.Interrupted,
			"Cut off."},
		"rejected": {agentWith(agent.Usage{}, &agent.Error{Code: agent.FailedPrecondition,
			Rejected: true, Message: "No."}), session.RunFailed, protocol.FailedPrecondition,
			"No. This message is left out of what the model reads from now on."},
		"unavailable": {agentWith(agent.Usage{}, upstream), session.RunFailed,
			protocol.Unavailable, upstream.Message},
		"timeout": {agentWith(agent.Usage{}, &agent.Error{Code: agent.Timeout, Message: "Slow."}),
			session.RunFailed, protocol.AgentTimeout, "Slow."},
		"rate limited": {agentWith(agent.Usage{},
			&agent.Error{Code: agent.ResourceExhausted, Message: "Wait."}),
			session.RunFailed, protocol.ResourceExhausted, "Wait."},
		"misconfigured": {agentWith(agent.Usage{},
			&agent.Error{Code: agent.FailedPrecondition, Message: "No key."}),
			session.RunFailed, protocol.FailedPrecondition, "No key."},
		"bug": {agentWith(agent.Usage{}, &agent.Error{Code: agent.Internal, Message: "Oh."}),
			session.RunFailed, protocol.Internal, "Oh."},
		"an unknown error": {agentWith(agent.Usage{}, errors.New("secret internals")),
			session.RunFailed, protocol.Internal, "because of a bug in the gateway"},
		"panic": {agentFunc(func(_ context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			_ = emit(agent.Piece{Text: "part"})
			panic("secret internals")
		}), session.RunFailed, protocol.Internal, "because of a bug"},
		"not configured": {nil, session.RunFailed, protocol.FailedPrecondition,
			`"a" is no longer configured`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				agents, text := map[string]agent.Agent{"a": c.agent}, "part"
				if c.agent == nil {
					agents, text = nil, ""
				}
				r := newRunnerWith(fake, agents)
				got := fake.enqueue("k", "r", "a")
				next := fake.enqueue("k", "next", "a")
				r.Wake("k")
				advance(time.Second)
				wantFinish := map[string]protocol.Finish{"stop": protocol.FinishStop,
					"no reason": protocol.FinishStop, "length": protocol.FinishLength,
					"filter": protocol.FinishFilter}[name]
				for _, a := range []*storedAnswer{got, next} {
					a.want(t, c.status, c.code, text)
					if o := a.outcome; o.Finish != wantFinish || o.Rejected != (name == "rejected") {
						t.Errorf("ended as %+v, want the finish %q", o, wantFinish)
					}
					if s := a.outcome.Error; !strings.Contains(s, c.sentence) ||
						strings.Contains(s, "secret") || strings.Contains(s, "dial") {
						t.Errorf("the sentence is %q", s)
					}
				}
				if r.Running() != 0 || len(r.workers) != 0 {
					t.Error("the worker has not ended")
				}
			})
		})
	}
}

func TestAnswerTooLong(t *testing.T) {
	t.Parallel()
	const piece = 1000
	for name, then := range map[string]func(error) error{
		"an agent that returns it": func(err error) error { return err },
		"an agent that ignores it": func(error) error { return nil },
		"an agent that fails": func(error) error {
			return &agent.Error{Code: agent.Internal,
				Message: "It failed."}
		},
		"an agent that wraps it up": func(err error) error { return errors.Join(errors.New("emit"), err) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				r := newRunner(fake, agentFunc(func(_ context.Context, _ agent.Request,
					emit func(agent.Piece) error) (agent.Usage, error) {
					for {
						if err := emit(agent.Piece{Text: strings.Repeat("x", piece)}); err != nil {
							return agent.Usage{}, then(err)
						}
					}
				}))
				got := fake.enqueue("k", "r", "a")
				r.Wake("k")
				advance(time.Minute)
				if n := len(got.text()); n > maxAnswer || n < maxAnswer-piece {
					t.Errorf("%d bytes are stored", n)
				}
				if got.outcome == nil || got.outcome.Status != session.RunFailed ||
					got.outcome.Error == "" {
					t.Errorf("ended as %+v", got.outcome)
				}
				if strings.HasSuffix(name, "returns it") &&
					got.outcome.Code != protocol.ResourceExhausted {
					t.Errorf("the code is %s", got.outcome.Code)
				}
				for _, p := range got.pieces {
					if len(p.Text) > maxPiece {
						t.Errorf("an event has %d bytes", len(p.Text))
					}
				}
			})
		})
	}
}

func TestAgentGetsTheConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		var request agent.Request
		r := newRunner(fake, agentFunc(func(_ context.Context, req agent.Request,
			_ func(agent.Piece) error) (agent.Usage, error) {
			request = req
			return agent.Usage{}, nil
		}))
		fake.enqueue("k", "r", "a")
		message := func(role protocol.MessageRole, text string) session.Message {
			return session.Message{Message: protocol.Message{Role: role, Content: text}}
		}
		fake.queue["k"][0].History = []session.Message{
			message(protocol.FromUser, "one"), message(protocol.FromAssistant, "1"),
			message(protocol.FromSystem, "note"),
			message(protocol.FromUser, "two"), message(protocol.FromAssistant, ""),
			message(protocol.FromUser, "three"),
		}
		r.Wake("k")
		advance(time.Second)
		want := agent.Request{Stream: true, UserID: "ann", Messages: []agent.Message{
			{Role: agent.User, Text: "one"}, {Role: agent.Assistant, Text: "1"},
			{Role: agent.System, Text: "note"},
			{Role: agent.User, Text: "two"}, {Role: agent.User, Text: "three"},
		}}
		if !reflect.DeepEqual(request, want) {
			t.Errorf("the request is %+v, want %+v", request, want)
		}
	})
}
