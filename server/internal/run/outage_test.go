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

// If the store fails for a while, no part of the answer is lost or stored twice.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]struct{ from, to time.Duration }{
		"from the start":    {0, 3 * time.Second},
		"during the answer": {50 * time.Millisecond, 50 * time.Second},
		"at the end":        {1990 * time.Millisecond, 10 * time.Second},
		"for a long while":  {time.Second, 55 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeSessions()
				r := newRunner(fake, wordsAgent(200, 10*time.Millisecond))
				got, next := fake.enqueue("k", "r", "a"), fake.enqueue("k", "next", "a")
				fake.setDown(outage.from == 0)
				r.Wake("k")
				advance(outage.from)
				fake.setDown(true)
				advance(outage.to - outage.from)
				fake.setDown(false)
				recovered := time.Since(fake.start)
				advance(time.Minute)
				got.want(t, session.RunCompleted, "", words(200))
				next.want(t, session.RunCompleted, "", words(200)) // without another Wake
				if late := got.ended - recovered; late > maxStoreDelay+2*time.Second {
					t.Errorf("ended %v after the store recovered", late)
				}
				if fake.refused == 0 || fake.refused > 100 {
					t.Errorf("the store was called %d times during the outage", fake.refused)
				}
			})
		})
	}
}

// If the store fails for longer than appendLimit, the answer is stopped. When the store
// recovers, the outcome is stored and the next run begins.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		var stopped time.Duration
		r := newRunner(fake, agentFunc(func(ctx context.Context, r agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			usage, err := wordsAgent(1e6, 10*time.Millisecond)(ctx, r, emit)
			stopped = time.Since(fake.start)
			return usage, err
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(5 * time.Millisecond)
		fake.setDown(true)
		advance(10 * time.Minute)
		if stopped < appendLimit || stopped > appendLimit+5*time.Second {
			t.Errorf("the agent was stopped after %v", stopped)
		}
		next := fake.enqueue("k", "next", "a")
		r.Wake("k")
		fake.setDown(false)
		advance(5 * time.Second)
		got.want(t, session.RunFailed, protocol.Unavailable, words(1))
		if len(next.times) == 0 {
			t.Error("the next run has not begun")
		}
		r.Abort("k", "")
		synctest.Wait()
	})
}

// While the store fails, a fast agent has to wait.
func TestFastAgentWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		const all = 2000
		emitted := 0
		r := newRunner(fake, agentFunc(func(_ context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			time.Sleep(10 * time.Millisecond)
			for ; emitted < all; emitted++ {
				if err := emit(agent.Piece{Text: "x", Thinking: "y"}); err != nil {
					return agent.Usage{}, err
				}
			}
			return agent.Usage{}, nil
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(5 * time.Millisecond)
		fake.setDown(true)
		advance(30 * time.Second)
		// One buffer is full, and another one is being stored.
		if emitted < maxBufferedPieces/2 || emitted > maxBufferedPieces+2 {
			t.Errorf("the agent has emitted %d pieces", 2*emitted)
		}
		fake.setDown(false)
		advance(10 * time.Second)
		got.want(t, session.RunCompleted, "", strings.Repeat("x", all))
	})
}

func TestStopWaitsForRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(100, 10*time.Millisecond))
		got, queued := fake.enqueue("k", "r", "a"), fake.enqueue("k", "next", "a")
		r.Wake("k")
		advance(100 * time.Millisecond)
		if r.Running() != 1 {
			t.Errorf("%d runs are under way", r.Running())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		if since := time.Since(fake.start); since > 2*time.Second {
			t.Errorf("stopped after %v", since)
		}
		got.want(t, session.RunCompleted, "", words(100))
		late := fake.enqueue("late", "late", "a")
		r.Wake("late")
		r.Wake("k")
		advance(time.Minute)
		if queued.outcome != nil || len(queued.pieces)+len(late.pieces) != 0 {
			t.Error("a stopped Runner began a run")
		}
		r.Stop(t.Context()) // a second Stop returns at once
	})
}

// While Stop waits, storing is retried; but no run begins.
func TestStopDuringAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, agentFunc(func(_ context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			defer time.Sleep(time.Second)
			return agent.Usage{}, emit(agent.Piece{Text: "well"})
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(100 * time.Millisecond)
		fake.setDown(true)
		queued := fake.enqueue("l", "s", "a")
		r.Wake("l")
		go func() {
			time.Sleep(20 * time.Second)
			fake.setDown(false)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		got.want(t, session.RunCompleted, "", "well")
		if queued.outcome != nil || len(queued.pieces) != 0 {
			t.Error("a run was begun")
		}
	})
}

// Stop does not wait for a store that cannot begin a queued run.
func TestStopLeavesQueuedRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		fake.setDown(true)
		r := newRunner(fake, wordsAgent(1, 0))
		fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(10 * time.Second)
		r.Stop(t.Context())
		if since := time.Since(fake.start); since > 11*time.Second {
			t.Errorf("stopped after %v", since)
		}
	})
}

// When the context of Stop is done, storing is tried once more.
func TestStopStoresOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(3, 50*time.Millisecond))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(75 * time.Millisecond)
		fake.setDown(true)
		advance(29500 * time.Millisecond) // in the middle of a delay between two attempts
		fake.setDown(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.Stop(ctx)
		got.want(t, session.RunCompleted, "", words(3))
	})
}

func TestStopEndsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(1000, 10*time.Millisecond))
		got, other, queued := fake.enqueue("k", "r", "a"), fake.enqueue("l", "s",
			"a"), fake.enqueue("k", "next", "a")
		r.Wake("k")
		r.Wake("l")
		advance(105 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.Stop(ctx)
		got.want(t, session.RunFailed, protocol.Interrupted, words(21))
		other.want(t, session.RunFailed, protocol.Interrupted, words(21))
		if queued.outcome != nil || len(queued.pieces) != 0 {
			t.Error("a queued run was begun")
		}
		if since := time.Since(fake.start); since > 300*time.Millisecond {
			t.Errorf("stopped after %v", since)
		}
	})
}

// A run that is beginning when the context of Stop is done ends like the others.
func TestStopWhileARunBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		fake.beginCalled, fake.releaseBegin = make(chan struct{}, 9), make(chan struct{})
		r := newRunner(fake, wordsAgent(1000, 10*time.Millisecond))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		<-fake.beginCalled
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		stopped := make(chan struct{})
		go func() { r.Stop(ctx); close(stopped) }()
		synctest.Wait()
		close(fake.releaseBegin)
		<-stopped
		if got.outcome == nil || got.outcome.Code != protocol.Interrupted {
			t.Errorf("ended as %+v", got.outcome)
		}
		if since := time.Since(fake.start); since > time.Second {
			t.Errorf("stopped after %v", since)
		}
	})
}

// Stop takes no longer than agentGrace, even if the store fails and an agent does not
// return.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		release := make(chan struct{})
		r := newRunnerWith(fake, map[string]agent.Agent{
			"a": wordsAgent(1e6, 10*time.Millisecond),
			"unresponsive": agentFunc(func(_ context.Context, _ agent.Request,
				emit func(agent.Piece) error) (agent.Usage, error) {
				<-release
				return agent.Usage{}, emit(agent.Piece{Text: "late"})
			}),
		})
		for key, agentID := range map[string]string{"k": "a", "l": "a", "m": "unresponsive"} {
			fake.enqueue(key, key, agentID)
			r.Wake(key)
		}
		advance(time.Second)
		fake.setDown(true)
		fake.enqueue("n", "n", "a")
		r.Wake("n") // cannot begin
		advance(30 * time.Second)
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
