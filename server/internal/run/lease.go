package run

import (
	"context"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// renewInterval is the time between renewals. A lease expires after three intervals, so
// two renewals in a row may fail.
const renewInterval = protocol.RunLease / 3

// Holder returns the name of this Runner in the leases of its runs. It is random, so that
// no other Runner has the same, at any time.
func (r *Runner) Holder() string { return r.holder }

// startRenewingLocked starts to renew the leases of this Runner, until stopRenewing is
// called.
func (r *Runner) startRenewingLocked() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stopRenewing = cancel
	r.goroutines.Go(func() { r.renew(ctx) })
}

// renew renews the leases until ctx ends. A renewal that fails stops no run: if another
// process has ended the run because its lease had expired, the store refuses its next
// pieces.
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
			continue // a run gets its first lease when it begins
		}
		if err := r.renewOnce(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("run: leases could not be renewed, will retry", "error", err)
		}
	}
}

func (r *Runner) renewOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewInterval)
	defer cancel()
	return r.sessions.Renew(ctx, r.holder, time.Now().Add(protocol.RunLease))
}
