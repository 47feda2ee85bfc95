package ratelimit

import (
	"net/netip"
	"time"
)

// linesInAll is how many lines a minute all networks together can cause. Whoever has many
// addresses, as anybody with IPv6 does, must not fill the disk.
const linesInAll = 600

// Lines limits the log lines that strangers cause: for each network, and for all networks
// together. Its methods are safe for concurrent use.
type Lines struct {
	byNetwork *Limiter[netip.Prefix]
	all       *Limiter[struct{}]
}

// NewLines allows each network perNetwork lines a minute, and all networks together 600.
func NewLines(perNetwork int) *Lines {
	return &Lines{
		byNetwork: New[netip.Prefix](perNetwork, time.Minute),
		all:       New[struct{}](linesInAll, time.Minute),
	}
}

// Allow reports whether a line about the address may be logged, and counts the line.
func (l *Lines) Allow(addr netip.Addr) bool {
	_, ok := l.byNetwork.Take(Network(addr))
	return ok && l.AllowAny()
}

// AllowAny is Allow for a line that the caller limits by address in another way.
func (l *Lines) AllowAny() bool {
	_, ok := l.all.Take(struct{}{})
	return ok
}

// Evict forgets the networks that have used up none of their lines.
func (l *Lines) Evict() { l.byNetwork.Evict() }
