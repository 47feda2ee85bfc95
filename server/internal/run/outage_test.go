package run

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// A store that takes nothing for a while loses nothing of an answer, and has
// nothing of it twice.
func TestStoreIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]struct{ from, to time.Duration }{
		"from the start":   {0, 3 * time.Second},
		"amid the answer":  {50 * time.Millisecond, 50 * time.Second},
		"at the end":       {1990 * time.Millisecond, 10 * time.Second},
		"for a long while": {time.Second, 55 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				r := one(d, saying(200, 10*time.Millisecond))
				got, next := d.ask("k", "r", "a"), d.ask("k", "next", "a")
				d.setDown(away.from == 0)
				r.Wake("k")
				pass(away.from)
				d.setDown(true)
				pass(away.to - away.from)
				d.setDown(false)
				back := time.Since(d.start)
				pass(time.Minute)
				got.want(t, session.RunCompleted, "", words(200))
				next.want(t, session.RunCompleted, "", words(200)) // without another Wake
				if late := got.ended - back; late > lastRetry+2*time.Second {
					t.Errorf("ended %v after the store was back", late)
				}
				if d.refused == 0 || d.refused > 100 {
					t.Errorf("the store was asked %d times while it was away", d.refused)
				}
			})
		})
	}
}

// When the store stays away the answer is given up, but the session is not: once
// the store is back the run ends, and the next one begins.
func TestStoreIsAwayForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		var stopped time.Duration
		r := one(d, acting(func(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
			usage, err := saying(1e6, 10*time.Millisecond)(ctx, r, emit)
			stopped = time.Since(d.start)
			return usage, err
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(5 * time.Millisecond)
		d.setDown(true)
		pass(10 * time.Minute)
		if stopped < appendLimit || stopped > appendLimit+5*time.Second {
			t.Errorf("the agent was stopped after %v", stopped)
		}
		next := d.ask("k", "next", "a")
		r.Wake("k")
		d.setDown(false)
		pass(5 * time.Second)
		got.want(t, session.RunFailed, protocol.Unavailable, words(1))
		if len(next.times) == 0 {
			t.Error("the next run has not begun")
		}
		r.Abort("k", "")
		synctest.Wait()
	})
}

// While the store is away, an agent that hurries is made to wait.
func TestFastAgentWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		const all = 2000
		said := 0
		r := one(d, acting(func(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
			time.Sleep(10 * time.Millisecond)
			for ; said < all; said++ {
				if err := emit(agent.Piece{Text: "x", Thinking: "y"}); err != nil {
					return agent.Usage{}, err
				}
			}
			return agent.Usage{}, nil
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(5 * time.Millisecond)
		d.setDown(true)
		pass(30 * time.Second)
		// So many wait, and as many are on their way into the store.
		if said < maxWaitingPieces/2 || said > maxWaitingPieces+2 {
			t.Errorf("the agent has said %d pieces", 2*said)
		}
		d.setDown(false)
		pass(10 * time.Second)
		got.want(t, session.RunCompleted, "", strings.Repeat("x", all))
	})
}

func TestStopWithTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(100, 10*time.Millisecond))
		got, queued := d.ask("k", "r", "a"), d.ask("k", "next", "a")
		r.Wake("k")
		pass(100 * time.Millisecond)
		if r.Running() != 1 {
			t.Errorf("%d runs are under way", r.Running())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		if since := time.Since(d.start); since > 2*time.Second {
			t.Errorf("stopped after %v", since)
		}
		got.want(t, session.RunCompleted, "", words(100))
		late := d.ask("late", "late", "a")
		r.Wake("late")
		r.Wake("k")
		pass(time.Minute)
		if queued.outcome != nil || len(queued.pieces)+len(late.pieces) != 0 {
			t.Error("a Runner that has stopped took up a run")
		}
		r.Stop(t.Context()) // again, at once
	})
}

// While a stop has time, the store has too; but nothing is begun any more.
func TestStopMeetsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, acting(func(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
			defer time.Sleep(time.Second)
			return agent.Usage{}, emit(agent.Piece{Text: "well"})
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(100 * time.Millisecond)
		d.setDown(true)
		waiting := d.ask("l", "s", "a")
		r.Wake("l")
		go func() {
			time.Sleep(20 * time.Second)
			d.setDown(false)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		got.want(t, session.RunCompleted, "", "well")
		if waiting.outcome != nil || len(waiting.pieces) != 0 {
			t.Error("a run was begun")
		}
	})
}

// A stop does not wait for a store that cannot begin what is queued.
func TestStopLeavesWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.setDown(true)
		r := one(d, saying(1, 0))
		d.ask("k", "r", "a")
		r.Wake("k")
		pass(10 * time.Second)
		r.Stop(t.Context())
		if since := time.Since(d.start); since > 11*time.Second {
			t.Errorf("stopped after %v", since)
		}
	})
}

// When the time has run out, what could not be stored is tried once more.
func TestStopTriesOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(3, 50*time.Millisecond))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(75 * time.Millisecond)
		d.setDown(true)
		pass(29500 * time.Millisecond) // amid a wait between two tries
		d.setDown(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.Stop(ctx)
		got.want(t, session.RunCompleted, "", words(3))
	})
}

func TestStopWithoutTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(1000, 10*time.Millisecond))
		got, other, queued := d.ask("k", "r", "a"), d.ask("l", "s", "a"), d.ask("k", "next", "a")
		r.Wake("k")
		r.Wake("l")
		pass(105 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.Stop(ctx)
		got.want(t, session.RunFailed, protocol.Interrupted, words(21))
		other.want(t, session.RunFailed, protocol.Interrupted, words(21))
		if queued.outcome != nil || len(queued.pieces) != 0 {
			t.Error("a queued run was taken up")
		}
		if since := time.Since(d.start); since > 300*time.Millisecond {
			t.Errorf("stopped after %v", since)
		}
	})
}

// A run that begins while the time runs out is ended like the others.
func TestStopMeetsABeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.arrived, d.gate = make(chan struct{}, 9), make(chan struct{})
		r := one(d, saying(1000, 10*time.Millisecond))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		<-d.arrived
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		stopped := make(chan struct{})
		go func() { r.Stop(ctx); close(stopped) }()
		synctest.Wait()
		close(d.gate)
		<-stopped
		if got.outcome == nil || got.outcome.Code != protocol.Interrupted {
			t.Errorf("ended as %+v", got.outcome)
		}
		if since := time.Since(d.start); since > time.Second {
			t.Errorf("stopped after %v", since)
		}
	})
}

// Nothing holds up a stop for long: no store that is away, no agent that does
// not listen.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		release := make(chan struct{})
		r := runner(d, map[string]agent.Agent{
			"a": saying(1e6, 10*time.Millisecond),
			"deaf": acting(func(_ context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
				<-release
				return agent.Usage{}, emit(agent.Piece{Text: "late"})
			}),
		})
		for key, agentID := range map[string]string{"k": "a", "l": "a", "m": "deaf"} {
			d.ask(key, key, agentID)
			r.Wake(key)
		}
		pass(time.Second)
		d.setDown(true)
		d.ask("n", "n", "a")
		r.Wake("n") // cannot begin
		pass(30 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := time.Now()
		r.Stop(ctx)
		if took := time.Since(before); took > agentGrace+time.Second {
			t.Errorf("the stop took %v", took)
		}
		close(release)
		synctest.Wait()
	})
}
