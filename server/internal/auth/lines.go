package auth

import (
	"net/netip"
	"time"
)

// linesInAll is how many lines a minute all networks together can have logged:
// who has many addresses, as anybody with IPv6 does, must not fill the disk.
const linesInAll = 600

// Lines bounds the log lines that strangers cause. Its methods are safe for
// concurrent use.
type Lines struct {
	*Limiter
	all *Limiter // of which all are one network
}

// NewLines allows each network so many lines a minute, and all together 600.
func NewLines(each int) *Lines {
	return &Lines{NewLimiter(each, time.Minute), NewLimiter(linesInAll, time.Minute)}
}

// Take is the Limiter's, within what all have.
func (l *Lines) Take(addr netip.Addr) (wait time.Duration, ok bool) {
	if wait, ok = l.Limiter.Take(addr); ok {
		wait, ok = l.all.Take(netip.Addr{})
	}
	return wait, ok
}

// Any takes a line that is bounded by address elsewhere.
func (l *Lines) Any() bool {
	_, ok := l.all.Take(netip.Addr{})
	return ok
}
