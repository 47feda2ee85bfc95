package conn

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

var errNoPong = errors.New("no pong, and no message either, in time")

func (s *Set) sweepUntilStopped() {
	defer close(s.stopped)
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	var due []*Conn
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
		}
		now := s.clock()
		due = s.due(now, due)
		for _, c := range due {
			c.sweep(now)
		}
		clear(due)
		due = due[:0]
	}
}

// startDeadlines starts a new connection's deadlines. The first ping is at a random
// time, so that clients that connect together are not pinged together.
func (c *Conn) startDeadlines() {
	c.extendReadDeadline()
	c.AwaitHello()
	c.nextPing = c.set.clock() + rand.Int64N(int64(c.set.limits.Ping)) // #nosec G404 -- it keeps no secret
}

// due appends the connections that sweep has something to do for.
func (s *Set) due(now int64, due []*Conn) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.pingIsDue(now) || now >= c.readDue.Load() || isPast(&c.helloDue, now) ||
			isPast(&c.closeDue, now) {
			due = append(due, c)
		}
	}
	return due
}

func isPast(deadline *atomic.Int64, now int64) bool {
	d := deadline.Load()
	return d != 0 && now >= d
}

// pingIsDue reports whether to ping now: one sweep too early is better than too late.
func (c *Conn) pingIsDue(now int64) bool {
	return now+int64(sweepEvery) > c.nextPing
}

// sweep enforces the deadlines that are over, or pings. It does not wait for the peer.
func (c *Conn) sweep(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.set.limits
	switch {
	case isPast(&c.closeDue, now):
		c.killLocked()
	case c.sealed:
	case now >= c.readDue.Load():
		c.closeLocked(Closing{
			Cause:  Dead,
			Code:   websocket.StatusGoingAway,
			Reason: "no pong within " + secondsText(l.Read),
			Err:    errNoPong,
		})
		c.closeDue.Store(now) // the next sweep closes the socket: the peer will not answer
	case isPast(&c.helloDue, now):
		c.closeLocked(Closing{
			Cause:  OursClosed,
			Code:   websocket.StatusPolicyViolation,
			Reason: "no connect within " + secondsText(l.Hello),
		})
	default:
		c.nextPing = max(c.nextPing+int64(l.Ping), now)
		c.enqueueLocked(c.set.ping)
	}
}

// cutOff closes the socket at once.
func (c *Conn) cutOff(why Closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(why)
}
