package run

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// However messages and ends of runs interleave, every run is run, in order, and one at a
// time in a session.
func TestNoWakeIsLost(t *testing.T) {
	t.Parallel()
	fake := newFakeSessions()
	var mu sync.Mutex
	busy := map[string]int{}
	var wg sync.WaitGroup
	r := newRunner(fake, agentFunc(func(_ context.Context, req agent.Request,
		emit func(agent.Piece) error) (agent.Usage, error) {
		defer wg.Done()
		key := req.Messages[0].Text
		mu.Lock()
		busy[key]++
		if busy[key] > 1 {
			t.Errorf("%d runs of %s at once", busy[key], key)
		}
		mu.Unlock()
		defer func() { mu.Lock(); busy[key]--; mu.Unlock() }()
		return agent.Usage{}, emit(agent.Piece{Text: "x"})
	}))
	const runs = 400
	for s := range 4 {
		wg.Go(func() {
			for i := range runs {
				key := fmt.Sprint("session-", s%2)
				wg.Add(1)
				fake.enqueue(key, fmt.Sprint(s, "-", i), "a", key)
				r.Wake(key)
				if i%7 == 0 {
					time.Sleep(time.Microsecond) // lets the worker end now and then
				}
			}
		})
	}
	wg.Wait()
	r.Stop(t.Context())
	for run, a := range fake.answers {
		if a.outcome == nil || a.outcome.Status != session.RunCompleted || a.text() != "x" {
			t.Fatalf("run %s ended as %+v with %q", run, a.outcome, a.text())
		}
	}
	if len(r.workers) != 0 {
		t.Errorf("%d workers have not ended", len(r.workers))
	}
}

// If Wake is called while the worker finds no queued run, the worker looks again.
func TestWakeWhileTheWorkerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		fake.beginCalled, fake.releaseBegin = make(chan struct{}, 9), make(chan struct{})
		r := newRunner(fake, wordsAgent(1, 0))
		r.Wake("k")
		<-fake.beginCalled // Begin has found no run
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		close(fake.releaseBegin)
		synctest.Wait()
		got.want(t, session.RunCompleted, "", words(1))
	})
}

// On a real store: send, wake, stream and abort, and the transcript afterwards.
func TestRunsOnARealStore(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	sessions := session.New(store.Sessions(), storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
	emitted := make(chan struct{}, 1)
	r := newRunnerWith(sessions, map[string]agent.Agent{
		"quick": wordsAgent(300, 0),
		"endless": agentFunc(func(ctx context.Context, _ agent.Request,
			emit func(agent.Piece) error) (agent.Usage, error) {
			if err := emit(agent.Piece{Text: "well", Thinking: "hm"}); err != nil {
				return agent.Usage{}, err
			}
			emitted <- struct{}{}
			<-ctx.Done()
			return agent.Usage{}, ctx.Err()
		}),
	})
	ann := session.Caller{UserID: "ann", Role: protocol.Operator}
	send := func(key, agentID string, done func(session.Ended)) session.Sent {
		sent, err := sessions.Send(t.Context(), ann.To(key),
			session.SendRequest{DefaultAgent: agentID, Message: "Hi"})
		if err != nil {
			t.Fatal(err)
		}
		r.Wake(key)
		if err := sessions.OnEnd(t.Context(), sent.RunID, done); err != nil {
			t.Fatal(err)
		}
		return sent
	}

	ended := make(chan session.Ended, 100)
	for i := range 20 {
		send(fmt.Sprint("session-", i%5), "quick", func(e session.Ended) { ended <- e })
	}
	for range 20 {
		if e := <-ended; e.Outcome.Status != session.RunCompleted || e.Content != words(300) {
			t.Errorf("ended as %+v with %.50q", e.Outcome, e.Content)
		}
	}

	running := send("k", "endless", func(e session.Ended) { ended <- e })
	<-emitted
	queued := send("k", "endless", func(e session.Ended) { ended <- e })
	withdrawn, runningID, err := sessions.Withdraw(t.Context(), ann.To("k"), "")
	if err != nil || len(withdrawn) != 1 || withdrawn[0] != queued.RunID ||
		runningID != running.RunID {
		t.Fatalf("withdrawn %v, running %q (%v)", withdrawn, runningID, err)
	}
	if e := <-ended; e.RunID != queued.RunID || e.Outcome.Status != session.RunCancelled {
		t.Errorf("the queued run ended as %+v", e)
	}
	if stopped := r.Abort("k", runningID); stopped != running.RunID {
		t.Errorf("stopped %q", stopped)
	}
	if e := <-ended; e.RunID != running.RunID || e.Outcome.Status != session.RunCancelled ||
		e.Content != "well" {
		t.Errorf("the run ended as %+v", e)
	}
	p, err := sessions.History(t.Context(), ann.To("k"), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range p.Messages {
		got = append(got, fmt.Sprint(m.Role, " ", m.Status, " ", m.Content, " ", m.Thinking))
	}
	want := []string{"user complete Hi ", "assistant aborted well hm", "user withdrawn Hi "}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the transcript is %q, want %q", got, want)
	}

	left := send("k", "endless", func(e session.Ended) { ended <- e })
	<-emitted
	now, cancel := context.WithCancel(t.Context())
	cancel()
	r.Stop(now)
	if e := <-ended; e.RunID != left.RunID || e.Outcome.Code != protocol.Interrupted ||
		e.Content != "well" {
		t.Errorf("the run ended as %+v", e)
	}
}
