package run

import (
	"context"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// renewInterval is how often leases are renewed: two renewals may fail before
// the third would come too late.
const renewInterval = protocol.RunLease / 3

// Holder names this Runner in the leases of its runs. It is random: no Runner
// before it or beside it has the same.
func (r *Runner) Holder() string { return r.holder }

// startRenewing renews leases until no session is busy. The caller holds the
// Runner's mutex.
func (r *Runner) startRenewing() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stopRenewing = cancel
	r.idle.Go(func() { r.renew(ctx) })
}

// renew keeps the leases of the runs under way until ctx ends. A renewal that
// fails stops no run: whoever takes a run from a Runner whose lease is over ends
// it in the store, and its next words are refused.
func (r *Runner) renew(ctx context.Context) {
	t := time.NewTicker(renewInterval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		if r.Running() == 0 {
			continue // what is about to begin gets its lease then
		}
		if err := r.renewOnce(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("run: the leases of runs under way could not be renewed", "error", err)
		}
	}
}

func (r *Runner) renewOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewInterval)
	defer cancel()
	return r.sessions.Renew(ctx, r.holder, time.Now().Add(protocol.RunLease))
}
