package chaos

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// rng makes the random decisions of one part of a run. They depend on the seed and the
// part's name alone, not on what other parts decide or when.
type rng struct{ *rand.Rand }

func newRNG(seed uint64, name string, numbers ...int) rng {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, name, numbers) // a hash takes everything
	return rng{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// chance returns true with probability p.
func (d rng) chance(p float64) bool { return d.Float64() < p }

// between returns a duration in [least, most).
func (d rng) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Float64()*float64(most-least))
}

// exponential returns a waiting time with that mean: mostly shorter, at most four times
// as long.
func (d rng) exponential(mean time.Duration) time.Duration {
	return min(time.Duration(d.ExpFloat64()*float64(mean)), 4*mean)
}

// weighted picks an index with a probability proportional to its weight.
func (d rng) weighted(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}

func pick[T any](d rng, from []T) T { return from[d.IntN(len(from))] }
