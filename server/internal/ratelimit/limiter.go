package ratelimit

import (
	"maps"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MaxKeys is how many keys a Limiter tells apart.
const MaxKeys = 1 << 16

// evictInterval is how often a full Limiter looks for keys to evict on its own.
const evictInterval = time.Second

// Limiter allows each key a burst of events at once, and then events at a steady
// rate. Its methods are safe for concurrent use.
type Limiter[K comparable] struct {
	burst int // events at once

	// mu guards the following fields.
	mu      sync.Mutex
	rate    rate.Limit // events a second
	buckets map[K]*rate.Limiter
	rest    *rate.Limiter // shared by the keys for which there was no room
	evicted time.Time     // when Evict last ran
}

// New makes a Limiter that allows burst events at once, and burst events a period.
func New[K comparable](burst int, period time.Duration) *Limiter[K] {
	l := NewBurst[K](burst)
	l.rate = rate.Every(period / time.Duration(burst))
	return l
}

// NewBurst makes a Limiter that allows burst events at once. Call SetRate before the
// first event.
func NewBurst[K comparable](burst int) *Limiter[K] {
	return &Limiter[K]{burst: burst, buckets: make(map[K]*rate.Limiter)}
}

// SetRate changes the rate of every key to n events a period. What the keys have used up
// so far stays used up.
func (l *Limiter[K]) SetRate(n int, period time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = rate.Limit(float64(n) / period.Seconds())
}

// Take takes one event from the key's bucket. If the bucket is empty, Take takes nothing,
// and wait says when there will be an event to take.
func (l *Limiter[K]) Take(key K) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b := l.bucketLocked(key, now)
	if b == nil {
		b = l.addLocked(key)
	}
	if wait := untilHas(b, 1, now); wait > 0 {
		return wait, false
	}
	b.AllowN(now, 1)
	return 0, true
}

// Return gives back an event that Take took. A caller that counts only failures takes
// before the attempt and returns after a success, so that attempts made at the same time
// cannot outrun the count.
func (l *Limiter[K]) Return(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b := l.bucketLocked(key, now)
	if b == nil {
		return
	}
	// The library adds a negative number of events to the bucket, and never counts more
	// than the burst: see TestReturnNeverExceedsTheBurst.
	b.AllowN(now, -1)
	if b != l.rest && l.isFull(b, now) {
		delete(l.buckets, key)
	}
}

// Evict forgets the keys whose buckets are full again. A Limiter without room for a new
// key does so on its own; calling Evict regularly keeps the memory small.
func (l *Limiter[K]) Evict() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.evictLocked(time.Now())
}

// Len says how many keys have a bucket of their own.
func (l *Limiter[K]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.buckets)
}

// bucketLocked gives the bucket that counts for the key, at the current rate. It is nil
// for a key that has no bucket yet and can get one: such a key has its whole burst.
func (l *Limiter[K]) bucketLocked(key K, now time.Time) *rate.Limiter {
	b := l.buckets[key]
	if b == nil && !l.hasRoomLocked(now) {
		if l.rest == nil {
			l.rest = rate.NewLimiter(l.rate, l.burst)
		}
		b = l.rest
	}
	if b != nil && b.Limit() != l.rate {
		b.SetLimitAt(now, l.rate)
	}
	return b
}

// addLocked gives the key a bucket of its own.
func (l *Limiter[K]) addLocked(key K) *rate.Limiter {
	b := rate.NewLimiter(l.rate, l.burst)
	l.buckets[key] = b
	return b
}

// hasRoomLocked reports whether one more key can have a bucket of its own. To make room,
// hasRoomLocked evicts, at most once every evictInterval.
func (l *Limiter[K]) hasRoomLocked(now time.Time) bool {
	if len(l.buckets) >= MaxKeys && now.Sub(l.evicted) >= evictInterval {
		l.evictLocked(now)
	}
	return len(l.buckets) < MaxKeys
}

func (l *Limiter[K]) evictLocked(now time.Time) {
	l.evicted = now
	maps.DeleteFunc(l.buckets, func(_ K, b *rate.Limiter) bool { return l.isFull(b, now) })
}

func (l *Limiter[K]) isFull(b *rate.Limiter, now time.Time) bool {
	return untilHas(b, l.burst, now) == 0
}

// untilHas says how long it takes until the bucket has n events, rounded to the
// nanosecond: the library's own answers are rounded down, so they may be too short.
func untilHas(b *rate.Limiter, n int, now time.Time) time.Duration {
	missing := float64(n) - b.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Round(missing / float64(b.Limit()) * float64(time.Second)))
}
