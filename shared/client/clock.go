package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// How long the client waits for what.
const (
	dialTimeout  = 15 * clock.Second // from Dial to Opened
	helloTimeout = protocol.HelloTimeout
	pollTimeout  = 10 * clock.Second // for the answer to browser.pairing.status
	redialAfter  = clock.Second      // TryNow leaves a younger dial alone
	quietAfter   = 3 * clock.Second  // TryNow has a ready connection that said nothing for so long
	probeTimeout = 2 * clock.Second  // give a sign of life within so long

	firstWait   = clock.Second
	longestWait = 30 * clock.Second
	longestWish = 5 * clock.Minute  // the longest retryAfterMs that is obeyed
	steadyAfter = 10 * clock.Second // ready for so long, the next wait is the first again

	retryCheck = clock.Second     // how often a wait looks at the clock on the wall
	aliveCheck = 5 * clock.Second // how often a ready connection does
)

// backoff is the wait before try number attempt+1, spread by r of [0, 1).
func backoff(attempt int, r float64) clock.Duration {
	base := firstWait
	for range attempt {
		if base *= 2; base >= longestWait {
			base = longestWait
			break
		}
	}
	low, high := max(base*4/5, firstWait), min(base*6/5, longestWait)
	return low + clock.Duration(r*float64(high-low))
}

// wish is the time a gateway asked to be left alone, within reason.
func wish(ms int64) clock.Duration {
	return clock.Duration(min(max(ms, 0), int64(longestWish/clock.Millisecond))) * clock.Millisecond
}

// spread lengthens a wait by up to one nth of it.
func (c *Client) spread(d clock.Duration, nth clock.Duration) clock.Duration {
	return d + clock.Duration(c.random()*float64(d/nth))
}

// moment is a reading of both clocks: the steady one stands still while a machine
// sleeps, the one on the wall may be set.
type moment struct{ steady, wall clock.Time }

func readClocks() moment {
	t := clock.Now()
	return moment{steady: t, wall: clock.Wall(t)}
}

// since is the time that passed, on whichever clock more did.
func (c *Client) since(m moment) clock.Duration {
	now := c.now()
	return max(now.steady.Sub(m.steady), now.wall.Sub(m.wall))
}

// slept reports whether the wall's clock ran ahead of the steady one since m.
func (c *Client) slept(m moment) bool {
	now := c.now()
	return now.wall.Sub(m.wall)-now.steady.Sub(m.steady) >= clock.Second
}

// alarm is the one timer of a Client: setting it replaces what was set before.
type alarm struct {
	timer *clock.Timer
	set   uint64 // counts settings, so that a timer that fired late is known
}

func (a *alarm) stop() {
	a.set++
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// ringIn calls f, with the lock held, after d.
func (c *Client) ringIn(d clock.Duration, f func()) {
	c.alarm.stop()
	set := c.alarm.set
	c.alarm.timer = clock.AfterFunc(d, func() {
		c.do(func() {
			if c.alarm.set == set {
				f()
			}
		})
	})
}
