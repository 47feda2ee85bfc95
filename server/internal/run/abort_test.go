package run

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestAbort(t *testing.T) {
	t.Parallel()
	for name, runID := range map[string]string{"by its name": "r", "by its session": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				r := newRunner(fake, wordsAgent(1000, 10*time.Millisecond))
				got, next := fake.enqueue("k", "r", "a"), fake.enqueue("k", "next", "a")
				r.Wake("k")
				advance(105 * time.Millisecond)
				for _, other := range [][2]string{{"k", "next"}, {"k", "nothing"}, {"other", "r"},
					{"other", ""}} {
					if stopped := r.Abort(other[0], other[1]); stopped != "" {
						t.Errorf("Abort(%q, %q) stopped %q", other[0], other[1], stopped)
					}
				}
				if stopped := r.Abort("k", runID); stopped != "r" {
					t.Errorf("stopped %q", stopped)
				}
				synctest.Wait()
				got.want(t, session.RunCancelled, "", words(11)) // all that was emitted
				advance(time.Minute)
				next.want(t, session.RunCompleted, "", words(1000))
				if stopped := r.Abort("k", "r"); stopped != "" {
					t.Errorf("an idle session: stopped %q", stopped)
				}
			})
		})
	}
}

// While the store has begun a run and the worker does not know yet, Abort needs the run's
// id. Without an id, it stops only a run that the worker knows.
func TestAbortWhileItBegins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ runID, stopped string }{{"r", "r"}, {"", ""}, {"other", "other"}} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFakeSessions()
			fake.beginCalled, fake.releaseBegin = make(chan struct{}, 9), make(chan struct{})
			r := newRunner(fake, wordsAgent(3, time.Second))
			got := fake.enqueue("k", "r", "a")
			r.Wake("k")
			<-fake.beginCalled
			if stopped := r.Abort("k", c.runID); stopped != c.stopped {
				t.Errorf("Abort(%q) stopped %q", c.runID, stopped)
			}
			r.Abort("k", "") // does not undo the first call
			close(fake.releaseBegin)
			advance(time.Minute)
			if c.runID == "r" {
				if got.outcome == nil || got.outcome.Status != session.RunCancelled ||
					got.ended != 0 {
					t.Errorf("ended as %+v after %v", got.outcome, got.ended)
				}
				return
			}
			got.want(t, session.RunCompleted, "", words(3))
		})
	}
}

// An agent that does not return after its run was stopped is abandoned: what it emits is
// dropped, and the session's next run begins.
func TestUnresponsiveAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		release := make(chan struct{})
		var late error
		r := newRunnerWith(fake, map[string]agent.Agent{
			"unresponsive": agentFunc(func(_ context.Context, _ agent.Request,
				emit func(agent.Piece) error) (agent.Usage, error) {
				_ = emit(agent.Piece{Text: "part"})
				<-release
				late = emit(agent.Piece{Text: "late"})
				return agent.Usage{}, nil
			}),
			"a": wordsAgent(2, 0),
		})
		got, next := fake.enqueue("k", "r", "unresponsive"), fake.enqueue("k", "next", "a")
		r.Wake("k")
		advance(time.Second)
		r.Abort("k", "r")
		advance(time.Minute)
		got.want(t, session.RunCancelled, "", "part")
		if got.ended != time.Second+agentGrace {
			t.Errorf("ended after %v", got.ended)
		}
		next.want(t, session.RunCompleted, "", words(2))
		close(release)
		synctest.Wait()
		if late == nil {
			t.Error("a piece was accepted after the end of the run")
		}
		got.want(t, session.RunCancelled, "", "part")
	})
}

// A run ends after maxRun, whatever its agent does.
func TestMaxRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, agentFunc(func(ctx context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			_ = emit(agent.Piece{Text: "well"})
			<-ctx.Done()
			return agent.Usage{}, ctx.Err()
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(24 * time.Hour)
		got.want(t, session.RunFailed, protocol.AgentTimeout, "well")
		if got.ended != maxRun {
			t.Errorf("ended after %v", got.ended)
		}
	})
}

// If a session is deleted or reset while an agent answers, the agent is stopped at its
// next word.
func TestSessionDeletedDuringAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(20, time.Second))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(1500 * time.Millisecond)
		fake.remove("k")
		next := fake.enqueue("k", "next", "a")
		r.Wake("k")
		advance(time.Minute)
		if got.outcome != nil || got.text() != words(2) {
			t.Errorf("ended as %+v with %q", got.outcome, got.text())
		}
		next.want(t, session.RunCompleted, "", words(20))
		if next.times[0] != 2*time.Second {
			t.Errorf("the next answer began after %v", next.times[0])
		}
	})
}
