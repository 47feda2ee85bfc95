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
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// renewed are the renewals so far.
func (d *desk) renewed() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Duration(nil), d.renewals...)
}

// While there are runs their leases are renewed, all of them with one call;
// while there are none, nothing is done.
func TestLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(12, time.Second))
		d.ask("k", "r", "a")
		d.ask("l", "s", "a")
		d.ask("l", "next", "a")
		pass(time.Hour)
		r.Wake("k")
		r.Wake("l")
		pass(time.Hour)
		want := []time.Duration{time.Hour + 5*time.Second, time.Hour + 10*time.Second, time.Hour + 15*time.Second, time.Hour + 20*time.Second}
		if got := d.renewed(); !reflect.DeepEqual(got, want) {
			t.Errorf("renewed after %v, want %v", got, want)
		}
		// Idle is idle: nothing would wake before the end of days.
		d.ask("k", "again", "a")
		r.Wake("k")
		pass(time.Minute)
		if got := d.renewed()[len(want):]; len(got) != 2 {
			t.Errorf("renewed after %v", got)
		}
		if r.Holder() != d.holder || one(d, nil).Holder() == r.Holder() {
			t.Error("a Runner's name is not its own")
		}
	})
}

// A store that is away for longer than a lease ends no run here.
func TestRunsOutliveFailedRenewals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		r := one(d, saying(100, time.Second))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(7 * time.Second)
		d.setDown(true)
		pass(2 * protocol.RunLease)
		d.setDown(false)
		back := time.Since(d.start)
		pass(time.Hour)
		got.want(t, session.RunCompleted, "", words(100))
		renewed := d.renewed()
		if len(renewed) < 2 || renewed[0] != renewInterval || renewed[1] < back || renewed[1] > back+renewInterval {
			t.Errorf("renewed after %v, the store was back after %v", renewed, back)
		}
	})
}

// A run whose end waits for the store is held until it is stored.
func TestLeaseLastsUntilTheEndIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.finishing = time.Minute
		r := one(d, saying(1, 0))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		pass(time.Hour)
		got.want(t, session.RunCompleted, "", words(1))
		if n := len(d.renewed()); n != 11 && n != 12 { // with the last one it is over
			t.Errorf("renewed %d times in the minute", n)
		}
	})
}

// A stop does not wait for the next renewal, nor for one that hangs.
func TestStopEndsRenewing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.renewing = make(chan struct{})
		r := one(d, acting(func(ctx context.Context, _ agent.Request, _ func(agent.Piece) error) (agent.Usage, error) {
			<-ctx.Done()
			return agent.Usage{}, ctx.Err()
		}))
		got := d.ask("k", "r", "a")
		r.Wake("k")
		<-d.renewing // and it hangs
		pass(time.Second)
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

// On a real store, a run that lasts for many leases is nobody else's to end.
func TestNobodyElseEndsALiveRun(t *testing.T) {
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
		sessions := session.New(store.Sessions(), nobody{}, setting.Fixed(session.Settings{}))
		r := runner(sessions, map[string]agent.Agent{"a": saying(100, time.Second)})
		ann := session.Caller{UserID: "ann", Role: protocol.Operator}
		sent, err := sessions.Send(t.Context(), ann.To("k"), session.SendRequest{DefaultAgent: "a", Message: "Hi"})
		if err != nil {
			t.Fatal(err)
		}
		var ended *session.Ended
		if err := sessions.OnEnd(t.Context(), sent.RunID, func(e session.Ended) { ended = &e }); err != nil {
			t.Fatal(err)
		}
		r.Wake("k")
		for range 11 {
			pass(9 * time.Second)
			if n, waiting, err := sessions.Recover(t.Context(), "another", false); n != 0 || len(waiting) != 0 || err != nil {
				t.Fatalf("%d runs were ended, %v wait (%v)", n, waiting, err)
			}
		}
		pass(time.Minute)
		if ended == nil || ended.Outcome.Status != session.RunCompleted || ended.Content != words(100) {
			t.Errorf("ended as %+v", ended)
		}
	})
}
