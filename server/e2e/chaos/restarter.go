package chaos

import (
	"context"
	"time"
)

// restarter kills or stops the gateway now and then, and starts it again.
type restarter struct {
	gateway *gateway
	proxy   *proxy
	counts  *counts
	rng     rng
	every   time.Duration // mean time from a start to the next end
}

// run restarts the gateway until ctx ends, and leaves the gateway running. It fails when
// the gateway does not start or stop as it should.
func (r *restarter) run(ctx context.Context) error {
	for {
		if !wait(ctx, r.rng.between(r.every/3, r.every*5/3)) {
			return nil
		}
		if err := r.stopGateway(); err != nil {
			return err
		}
		wait(ctx, r.rng.exponential(300*time.Millisecond))
		// The gateway has to come up again, even if ctx has ended meanwhile.
		if err := r.startGateway(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}

// stopGateway ends the gateway in one of several ways.
func (r *restarter) stopGateway() error {
	switch r.rng.weighted(14, 4, 2) {
	case 0:
		r.counts.kills.Add(1)
		return r.gateway.kill()
	case 1:
		r.counts.terms.Add(1)
		return r.gateway.stop(0)
	default:
		r.counts.terms.Add(1)
		return r.gateway.stop(r.rng.between(time.Millisecond, drainTimeout))
	}
}

// startGateway starts the gateway. Now and then it kills the gateway during the start,
// while that recovers what the last end left.
func (r *restarter) startGateway(ctx context.Context) error {
	for r.rng.chance(0.15) {
		short, cancel := context.WithTimeout(ctx, r.rng.between(0, 60*time.Millisecond))
		_, err := r.gateway.start(short)
		interrupted := short.Err() != nil
		cancel()
		r.counts.kills.Add(1)
		if err != nil && !interrupted {
			return err
		}
		if err := r.gateway.kill(); err != nil {
			return err
		}
	}
	address, err := r.gateway.start(ctx)
	if err == nil {
		r.proxy.setTarget(address)
	}
	return err
}

// wait waits for d. It reports false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
