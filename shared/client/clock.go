package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Timeouts and waits.
const (
	dialTimeout  = 15 * clock.Second // from Dial to Opened
	helloTimeout = protocol.HelloTimeout
	pollTimeout  = 10 * clock.Second // for the answer to browser.pairing.status
	redialAfter  = clock.Second      // TryNow leaves a younger dial alone
	quietAfter   = 3 * clock.Second  // TryNow probes a connection that was silent for so long
	probeTimeout = 2 * clock.Second  // from a probe to any message

	firstWait     = clock.Second
	maxWait       = 30 * clock.Second
	maxRetryAfter = 5 * clock.Minute  // limits retryAfterMs
	stableAfter   = 10 * clock.Second // a connection that was ready for so long resets the backoff

	retryCheck = clock.Second     // how often a wait checks the wall clock
	aliveCheck = 5 * clock.Second // how often a ready connection is checked
)

// backoff returns the wait before try attempt+1. r in [0, 1) spreads it.
func backoff(attempt int, r float64) clock.Duration {
	base := firstWait
	for range attempt {
		if base *= 2; base >= maxWait {
			base = maxWait
			break
		}
	}
	low, high := max(base*4/5, firstWait), min(base*6/5, maxWait)
	return low + clock.Duration(r*float64(high-low))
}

// retryWait returns the wait that a gateway asked for by retryAfterMs, at most
// maxRetryAfter.
func retryWait(ms int64) clock.Duration {
	return clock.Duration(min(max(ms, 0), int64(maxRetryAfter/clock.Millisecond))) * clock.Millisecond
}

// spread lengthens a wait by a random part of up to 1/nth of it.
func (c *Client) spread(d clock.Duration, nth clock.Duration) clock.Duration {
	return d + clock.Duration(c.random()*float64(d/nth))
}

// moment is a reading of both clocks. The monotonic clock stands still while a machine is
// asleep; the wall clock may be set.
type moment struct{ monotonic, wall clock.Time }

func readClocks() moment {
	t := clock.Now()
	return moment{monotonic: t, wall: clock.Wall(t)}
}

// since returns the time since m, by the clock that shows more.
func (c *Client) since(m moment) clock.Duration {
	now := c.now()
	return max(now.monotonic.Sub(m.monotonic), now.wall.Sub(m.wall))
}

// slept reports whether the machine was asleep since m: whether more time has passed on
// the wall clock than on the monotonic one.
func (c *Client) slept(m moment) bool {
	now := c.now()
	return now.wall.Sub(m.wall)-now.monotonic.Sub(m.monotonic) >= clock.Second
}

// resettableTimer is the only timer of a Client. Setting it again cancels the earlier setting.
type resettableTimer struct {
	timer   *clock.Timer
	setting uint64 // counts the settings; one that is not the latest does nothing when it fires
}

func (t *resettableTimer) stop() {
	t.setting++
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// setTimer sets the timer to call f with mu held after d.
func (c *Client) setTimer(d clock.Duration, f func()) {
	c.timer.stop()
	setting := c.timer.setting
	c.timer.timer = clock.AfterFunc(d, func() {
		c.do(func() {
			if c.timer.setting == setting {
				f()
			}
		})
	})
}
