package chaos

import "time"

// direction is that of bytes on a link.
type direction uint8

const (
	up   direction = iota // to the gateway
	down                  // to the client
	both
)

func (d direction) has(one direction) bool { return d == one || d == both }

// kind is what goes wrong.
type kind uint8

const (
	lag   kind = iota // each chunk waits before it goes on
	split             // each chunk goes on in tiny writes
	stall             // nothing goes on
	halve             // a part of the next chunk goes on, then the link ends
	cut               // the link ends
)

// ending is how a link ends.
type ending uint8

const (
	mended   ending = iota // it does not: the fault passes
	finished               // both sides are told (FIN)
	reset                  // both sides are told, rudely (RST)
	ghost                  // the client is told; what is on its way still reaches the gateway, late
	deaf                   // the gateway is told; the client hears nothing for a while
)

// fault is one thing that goes wrong on a link.
type fault struct {
	kind  kind
	after time.Duration // of peace; or, if that is sooner,
	bytes int64         // once so many more have passed in either direction; 0: never mind
	dir   direction
	lasts time.Duration // the fault; of a ghost or deaf ending, that
	end   ending
	size  int           // of split, bytes a write
	wait  time.Duration // of lag, each chunk's
	part  float64       // of halve, what of the chunk goes on
}

// harshness says how often links suffer.
type harshness struct {
	peace    time.Duration // mean time between two faults of a link
	stalls   time.Duration // the longest stall
	narrow   float64       // how many links have small buffers, so that a slow reader is felt at once
	maxTimes int           // faults that a link survives
}

// script is the fate of one link: faults one after the other, the last of which
// ends it.
func (h harshness) script(d dice) []fault {
	var faults []fault
	if d.chance(0.12) { // around the handshake and the hello
		f := h.fatal(d)
		f.after, f.bytes = 3*time.Second, 1+d.Int64N(900)
		return []fault{f}
	}
	for range d.IntN(h.maxTimes + 1) {
		faults = append(faults, h.passing(d))
	}
	return append(faults, h.fatal(d))
}

// fates are the fates that a seed has for every connection.
func (h harshness) fates(seed uint64) fate {
	return func(line, connection int) ([]fault, bool) {
		d := newDice(seed, "link", line, connection)
		return h.script(d), d.chance(h.narrow)
	}
}

// begin draws when a fault comes.
func (h harshness) begin(d dice) fault {
	f := fault{after: d.around(h.peace), dir: direction(d.IntN(3))}
	if d.chance(0.3) {
		f.bytes = 1 + d.Int64N(20_000)
	}
	return f
}

func (h harshness) passing(d dice) fault {
	f := h.begin(d)
	f.lasts = d.between(50*time.Millisecond, 1500*time.Millisecond)
	switch d.weighted(3, 3, 4) {
	case 0:
		f.kind, f.wait = lag, d.between(time.Millisecond, 120*time.Millisecond)
	case 1:
		f.kind, f.size = split, 1+d.IntN(40)
	case 2:
		f.kind, f.lasts = stall, h.pause(d)
	}
	return f
}

// pause is the length of a stall: mostly short.
func (h harshness) pause(d dice) time.Duration {
	const short = time.Second
	if d.chance(0.06) {
		return d.between(short, h.stalls)
	}
	return d.between(20*time.Millisecond, short)
}

func (h harshness) fatal(d dice) fault {
	f := h.begin(d)
	switch d.weighted(4, 3, 3) {
	case 0:
		f.kind = cut
		f.end = pick(d, []ending{finished, reset, deaf})
	case 1:
		f.kind, f.part = halve, d.Float64()
		f.dir = direction(d.IntN(2))
		f.end = pick(d, []ending{finished, reset})
	case 2: // a stall that ends in a cut
		f.kind = stall
		f.end = pick(d, []ending{finished, reset, ghost, ghost, deaf})
		if f.end == ghost {
			f.dir = up
		}
	}
	f.lasts = h.pause(d)
	return f
}
