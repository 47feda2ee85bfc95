package chaos

import "time"

// direction is the direction of bytes on a link.
type direction uint8

const (
	up   direction = iota // to the gateway
	down                  // to the client
	both
)

func (d direction) includes(one direction) bool { return d == one || d == both }

// kind is a kind of fault.
type kind uint8

const (
	lag   kind = iota // each chunk is passed on later
	split             // each chunk is passed on in tiny writes
	stall             // nothing is passed on
	halve             // a part of the next chunk is passed on, then the link ends
	cut               // the link ends
)

// ending is how a fault ends a link.
type ending uint8

const (
	passes       ending = iota // the link goes on
	closedByFIN                // both sides get a FIN
	closedByRST                // both sides get a RST
	lateDelivery               // the client gets a RST; sent bytes reach the gateway later
	unnoticed                  // the gateway gets a RST; the client, only later
)

// fault is one thing that goes wrong on a link.
type fault struct {
	kind  kind
	after time.Duration // time before the fault,
	bytes int64         // or, if sooner, bytes passed in both directions; 0: time alone
	dir   direction
	lasts time.Duration // the fault, or the ending's delay
	end   ending
	size  int           // split: bytes a write
	wait  time.Duration // lag: delay of each chunk
	part  float64       // halve: share of the chunk that is passed on
}

// faultRates says how often links have faults.
type faultRates struct {
	meanInterval time.Duration // mean time between two faults of a link
	longestStall time.Duration // the longest stall
	smallBuffers float64       // share of links with small buffers, which slow readers fill at once
	maxPassing   int           // faults that a link survives
}

// script draws the faults of one link. The last one ends the link.
func (h faultRates) script(d rng) []fault {
	var faults []fault
	if d.chance(0.12) { // during the handshake or connect
		f := h.fatalFault(d)
		f.after, f.bytes = 3*time.Second, 1+d.Int64N(900)
		return []fault{f}
	}
	for range d.IntN(h.maxPassing + 1) {
		faults = append(faults, h.passingFault(d))
	}
	return append(faults, h.fatalFault(d))
}

// scriptFor returns the scripts that a seed stands for.
func (h faultRates) scriptFor(seed uint64) scriptFor {
	return func(route, connection int) ([]fault, bool) {
		d := newRNG(seed, "link", route, connection)
		return h.script(d), d.chance(h.smallBuffers)
	}
}

// nextFault draws when and in which direction a fault happens.
func (h faultRates) nextFault(d rng) fault {
	f := fault{after: d.exponential(h.meanInterval), dir: direction(d.IntN(3))}
	if d.chance(0.3) {
		f.bytes = 1 + d.Int64N(20_000)
	}
	return f
}

// passingFault draws a fault after which the link goes on.
func (h faultRates) passingFault(d rng) fault {
	f := h.nextFault(d)
	f.lasts = d.between(50*time.Millisecond, 1500*time.Millisecond)
	switch d.weighted(3, 3, 4) {
	case 0:
		f.kind, f.wait = lag, d.between(time.Millisecond, 120*time.Millisecond)
	case 1:
		f.kind, f.size = split, 1+d.IntN(40)
	case 2:
		f.kind, f.lasts = stall, h.stallTime(d)
	}
	return f
}

// stallTime draws the length of a stall: mostly short.
func (h faultRates) stallTime(d rng) time.Duration {
	const short = time.Second
	if d.chance(0.06) {
		return d.between(short, h.longestStall)
	}
	return d.between(20*time.Millisecond, short)
}

// fatalFault draws a fault that ends the link.
func (h faultRates) fatalFault(d rng) fault {
	f := h.nextFault(d)
	switch d.weighted(4, 3, 3) {
	case 0:
		f.kind = cut
		f.end = pick(d, []ending{closedByFIN, closedByRST, unnoticed})
	case 1:
		f.kind, f.part = halve, d.Float64()
		f.dir = direction(d.IntN(2))
		f.end = pick(d, []ending{closedByFIN, closedByRST})
	case 2: // a stall that ends in a cut
		f.kind = stall
		f.end = pick(d, []ending{closedByFIN, closedByRST, lateDelivery, lateDelivery, unnoticed})
		if f.end == lateDelivery {
			f.dir = up
		}
	}
	f.lasts = h.stallTime(d)
	return f
}
