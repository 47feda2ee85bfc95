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
				d := newDesk()
				r := one(d, saying(1000, 10*time.Millisecond))
				got, next := d.ask("k", "r", "a"), d.ask("k", "next", "a")
				r.Wake("k")
				pass(105 * time.Millisecond)
				for _, other := range [][2]string{{"k", "next"}, {"k", "nothing"}, {"other", "r"}, {"other", ""}} {
					if stopped := r.Abort(other[0], other[1]); stopped != "" {
						t.Errorf("Abort(%q, %q) stopped %q", other[0], other[1], stopped)
					}
				}
				if stopped := r.Abort("k", runID); stopped != "r" {
					t.Errorf("stopped %q", stopped)
				}
				synctest.Wait()
				got.want(t, session.RunCancelled, "", words(11)) // all that was said
				pass(time.Minute)
				next.want(t, session.RunCompleted, "", words(1000))
				if stopped := r.Abort("k", "r"); stopped != "" {
					t.Errorf("a session at rest: stopped %q", stopped)
				}
			})
		})
	}
}

// A run that the store has begun, but its worker does not know of yet, is
// aborted by its name; without one, only what is known to run is.
func TestAbortWhileItBegins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ runID, stopped string }{{"r", "r"}, {"", ""}, {"other", "other"}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk()
			d.arrived, d.gate = make(chan struct{}, 9), make(chan struct{})
			r := one(d, saying(3, time.Second))
			got := d.ask("k", "r", "a")
			r.Wake("k")
			<-d.arrived
			if stopped := r.Abort("k", c.runID); stopped != c.stopped {
				t.Errorf("Abort(%q) stopped %q", c.runID, stopped)
			}
			r.Abort("k", "") // does not undo it
			close(d.gate)
			pass(time.Minute)
			if c.runID == "r" {
				if got.outcome == nil || got.outcome.Status != session.RunCancelled || got.ended != 0 {
					t.Errorf("ended as %+v after %v", got.outcome, got.ended)
				}
				return
			}
			got.want(t, session.RunCompleted, "", words(3))
		})
	}
}

// An agent that goes on after its run was ended is left behind: what it says is
// lost, and the session goes on.
func TestAgentThatDoesNotListen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		release := make(chan struct{})
		var late error
		r := runner(d, map[string]agent.Agent{
			"deaf": acting(func(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
				_ = emit(agent.Piece{Text: "part"})
				<-release
				late = emit(agent.Piece{Text: "late"})
				return agent.Usage{}, nil
			}),
			"a": saying(2, 0),
		})
		got, next := d.ask("k", "r", "deaf"), d.ask("k", "next", "a")
		r.Wake("k")
		pass(time.Second)
		r.Abort("k", "r")
		pass(time.Minute)
		got.want(t, session.RunCancelled, "", "part")
		if got.ended != time.Second+agentGrace {
			t.Errorf("ended after %v", got.ended)
		}
		next.want(t, session.RunCompleted, "", words(2))
		close(release)
		synctest.Wait()
		if late == nil {
			t.Error("what came late was taken")
		}
		got.want(t, session.RunCancelled, "", "part")
	})
}

// A run ends at last, whatever its agent does.
func TestRunIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, acting(func(ctx context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
			_ = emit(agent.Piece{Text: "well"})
			<-ctx.Done()
			return agent.Usage{}, ctx.Err()
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(24 * time.Hour)
		got.want(t, session.RunFailed, protocol.AgentTimeout, "well")
		if got.ended != maxRun {
			t.Errorf("ended after %v", got.ended)
		}
	})
}

// A session that is deleted, or reset, under an answer stops the agent at its
// next word.
func TestSessionDeletedUnderAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(20, time.Second))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(1500 * time.Millisecond)
		d.remove("k")
		next := d.ask("k", "next", "a")
		r.Wake("k")
		pass(time.Minute)
		if got.outcome != nil || got.text() != words(2) {
			t.Errorf("ended as %+v with %q", got.outcome, got.text())
		}
		next.want(t, session.RunCompleted, "", words(20))
		if next.times[0] != 2*time.Second {
			t.Errorf("the next answer began after %v", next.times[0])
		}
	})
}
