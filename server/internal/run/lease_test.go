package run

import (
	"context"
	"reflect"
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

// renewed returns the times of the renewals so far.
func (fake *fakeSessions) renewed() []time.Duration {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	return append([]time.Duration(nil), fake.renewals...)
}

// While there are runs, one call renews all their leases. While there are none, nothing
// is called.
func TestLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(12, time.Second))
		fake.enqueue("k", "r", "a")
		fake.enqueue("l", "s", "a")
		fake.enqueue("l", "next", "a")
		advance(time.Hour)
		r.Wake("k")
		r.Wake("l")
		advance(time.Hour)
		want := []time.Duration{time.Hour + 5*time.Second, time.Hour + 10*time.Second, time.Hour +
			15*time.Second, time.Hour + 20*time.Second}
		if got := fake.renewed(); !reflect.DeepEqual(got, want) {
			t.Errorf("renewed after %v, want %v", got, want)
		}
		// An idle Runner has no timer: time passes without a renewal.
		fake.enqueue("k", "again", "a")
		r.Wake("k")
		advance(time.Minute)
		if got := fake.renewed()[len(want):]; len(got) != 2 {
			t.Errorf("renewed after %v", got)
		}
		if r.Holder() != fake.holder || newRunner(fake, nil).Holder() == r.Holder() {
			t.Error("two Runners have the same holder, or the store got another one")
		}
	})
}

// If the store fails for longer than a lease, the runs go on.
func TestRunsOutliveFailedRenewals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		r := newRunner(fake, wordsAgent(100, time.Second))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(7 * time.Second)
		fake.setDown(true)
		advance(2 * protocol.RunLease)
		fake.setDown(false)
		recovered := time.Since(fake.start)
		advance(time.Hour)
		got.want(t, session.RunCompleted, "", words(100))
		renewed := fake.renewed()
		if len(renewed) < 2 || renewed[0] != renewInterval || renewed[1] < recovered ||
			renewed[1] > recovered+renewInterval {
			t.Errorf("renewed after %v, the store recovered after %v", renewed, recovered)
		}
	})
}

// The lease of a run is renewed until its outcome is stored.
func TestLeaseLastsUntilTheOutcomeIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		fake.finishDelay = time.Minute
		r := newRunner(fake, wordsAgent(1, 0))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		advance(time.Hour)
		got.want(t, session.RunCompleted, "", words(1))
		if n := len(fake.renewed()); n != 11 && n != 12 { // the last one may come with the end
			t.Errorf("renewed %d times in the minute", n)
		}
	})
}

// Stop does not wait for the next renewal, nor for one that hangs.
func TestStopEndsRenewing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeSessions()
		fake.renewCalled = make(chan struct{})
		r := newRunner(fake, agentFunc(func(ctx context.Context, _ agent.Request,
			_ func(agent.Piece) error) (agent.Usage, error) {
			<-ctx.Done()
			return agent.Usage{}, ctx.Err()
		}))
		got := fake.enqueue("k", "r", "a")
		r.Wake("k")
		<-fake.renewCalled // and hangs
		advance(time.Second)
		before := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.Stop(ctx)
		if took := time.Since(before); took != 0 {
			t.Errorf("the stop took %v", took)
		}
		got.want(t, session.RunFailed, protocol.Interrupted, "")
	})
}

// On a real store, another Runner cannot end a run that lasts for many leases.
func TestOtherRunnersDoNotEndALiveRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		sessions := session.New(store.Sessions(), storetest.DiscardEvents{},
			setting.Fixed(session.Settings{}))
		r := newRunnerWith(sessions, map[string]agent.Agent{"a": wordsAgent(100, time.Second)})
		ann := session.Caller{UserID: "ann", Role: protocol.Operator}
		sent, err := sessions.Send(t.Context(), ann.To("k"),
			session.SendRequest{DefaultAgent: "a", Message: "Hi"})
		if err != nil {
			t.Fatal(err)
		}
		var ended *session.Ended
		if err := sessions.OnEnd(t.Context(), sent.RunID,
			func(e session.Ended) { ended = &e }); err != nil {
			t.Fatal(err)
		}
		r.Wake("k")
		for range 11 {
			advance(9 * time.Second)
			if n, queued, err := sessions.Recover(t.Context(), "another", false); n != 0 ||
				len(queued) != 0 || err != nil {
				t.Fatalf("%d runs were ended, %v are queued (%v)", n, queued, err)
			}
		}
		advance(time.Minute)
		if ended == nil || ended.Outcome.Status != session.RunCompleted ||
			ended.Content != words(100) {
			t.Errorf("ended as %+v", ended)
		}
	})
}
