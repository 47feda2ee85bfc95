package auth

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// Network is what of an address is counted: an IPv4 address whole (also one
// mapped into IPv6), an IPv6 address by its /64, which is what one customer has
// at the least (RFC 6177). The invalid address is a network of its own.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// maxNetworks is how many networks a Limiter tells apart; those beyond share
// one allowance, so that a flood from many addresses cannot take the memory.
const maxNetworks = 1 << 16

// Limiter allows each network a number of calls at once and the same number a
// period, refilled evenly. Its methods are safe for concurrent use. A network
// that has its whole allowance again is forgotten.
type Limiter struct {
	period time.Duration
	each   time.Duration // in which one call comes back

	mu sync.Mutex
	// full is, by network, the moment at which its whole allowance will be back:
	// each call moves it on by each, up to a period ahead. (The generic cell rate
	// algorithm, ITU-T I.371.)
	full   map[netip.Prefix]time.Time
	rest   time.Time // the same of all networks for which there was no room
	tidied time.Time // when full was last gone through
}

// NewLimiter makes a Limiter of burst calls at once, and burst calls a period.
func NewLimiter(burst int, period time.Duration) *Limiter {
	each := period / time.Duration(burst)
	return &Limiter{
		period: each * time.Duration(burst), each: each,
		full: make(map[netip.Prefix]time.Time),
	}
}

// Take takes one call from the allowance of addr's network. If there is none
// left it takes nothing and wait says when there will be.
func (l *Limiter) Take(addr netip.Addr) (wait time.Duration, ok bool) {
	n, now := Network(addr), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.find(n, now).Add(l.each)
	if wait := full.Sub(now) - l.period; wait > 0 {
		return wait, false
	}
	l.set(n, full, now)
	return 0, true
}

// Wait says how long addr's network has to wait until there is a call to take; 0
// if there is one. It takes nothing.
func (l *Limiter) Wait(addr netip.Addr) time.Duration {
	n, now := Network(addr), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.find(n, now).Add(l.each).Sub(now)-l.period)
}

// Return gives back a call that Take took. Who counts failures only takes before
// the attempt and returns after a success, so that attempts made at the same
// time cannot outrun the count.
func (l *Limiter) Return(addr netip.Addr) {
	n, now := Network(addr), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(n, l.find(n, now).Add(-l.each), now)
}

// find says when n's allowance will be whole; now if it is.
func (l *Limiter) find(n netip.Prefix, now time.Time) time.Time {
	full, ok := l.full[n]
	if !ok && !l.room(now) {
		full = l.rest
	}
	if full.Before(now) {
		return now
	}
	return full
}

func (l *Limiter) set(n netip.Prefix, full, now time.Time) {
	_, ok := l.full[n]
	switch {
	case !ok && !l.room(now):
		l.rest = full
	case !full.After(now):
		delete(l.full, n)
	default:
		l.full[n] = full
	}
}

// room says whether one more network can be told apart. To make room it goes
// through all of them, at most once a second.
func (l *Limiter) room(now time.Time) bool {
	if len(l.full) >= maxNetworks && now.Sub(l.tidied) >= time.Second {
		l.tidy(now)
	}
	return len(l.full) < maxNetworks
}

// Tidy forgets the networks that have their whole allowance again. A full
// Limiter does so by itself; called once a minute it keeps the memory small.
func (l *Limiter) Tidy() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(time.Now())
}

func (l *Limiter) tidy(now time.Time) {
	l.tidied = now
	maps.DeleteFunc(l.full, func(_ netip.Prefix, full time.Time) bool { return !full.After(now) })
}
