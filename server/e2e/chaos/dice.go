package chaos

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice are the random decisions of one part of a run, named so. They depend on
// the seed and the name alone, not on what other parts decide or when.
type dice struct{ *rand.Rand }

func newDice(seed uint64, name string, numbers ...int) dice {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, name, numbers) // a hash takes everything
	return dice{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between is a duration of [least, most).
func (d dice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Float64()*float64(most-least))
}

// around is a waiting time of that mean, mostly shorter and at most four times
// as long.
func (d dice) around(mean time.Duration) time.Duration {
	return min(time.Duration(d.ExpFloat64()*float64(mean)), 4*mean)
}

// weighted picks an index with a probability proportional to its weight.
func (d dice) weighted(weights ...int) int {
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

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }
