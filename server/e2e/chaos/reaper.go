package chaos

import (
	"context"
	"time"
)

// reaper kills the gateway now and then and starts it again.
type reaper struct {
	gateway *gateway
	proxy   *proxy
	counts  *counts
	dice    dice
	every   time.Duration // mean time from a start to the next death
}

// reap goes on until ctx ends, and leaves a gateway that runs. Its error is of a
// gateway that did not start or stop as it should.
func (r *reaper) reap(ctx context.Context) error {
	for {
		if !wait(ctx, r.dice.between(r.every/3, r.every*5/3)) {
			return nil
		}
		if err := r.end(); err != nil {
			return err
		}
		wait(ctx, r.dice.around(300*time.Millisecond))
		// It has to come up again, also when the run is over meanwhile.
		if err := r.start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}

// end ends the gateway in one of several ways.
func (r *reaper) end() error {
	switch r.dice.weighted(14, 4, 2) {
	case 0:
		r.counts.kills.Add(1)
		return r.gateway.kill()
	case 1:
		r.counts.terms.Add(1)
		return r.gateway.stop(0)
	default:
		r.counts.terms.Add(1)
		return r.gateway.stop(r.dice.between(time.Millisecond, drainTimeout))
	}
}

// start starts the gateway. Now and then it kills it on the way, while it
// recovers what the last death left.
func (r *reaper) start(ctx context.Context) error {
	for r.dice.chance(0.15) {
		dying, cancel := context.WithTimeout(ctx, r.dice.between(0, 60*time.Millisecond))
		err := r.gateway.start(dying, func(string) {})
		ended := dying.Err() != nil
		cancel()
		r.counts.kills.Add(1)
		if err != nil && !ended {
			return err
		}
		if err := r.gateway.kill(); err != nil {
			return err
		}
	}
	return r.gateway.start(ctx, r.proxy.aim)
}

// wait waits for d, and reports false when ctx ends before.
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
