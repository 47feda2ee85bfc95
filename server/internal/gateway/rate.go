package gateway

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// userBurst is how many requests a user may make at once under
// gateway.rate_limit_rpm.
const userBurst = 5

// maxBuckets is how many users are told apart. A gateway token can name any
// number of them; those beyond share one bucket.
const maxBuckets = 1 << 16

// buckets hold each user's allowance of requests, which all connections of the
// user share. One that is full again is forgotten.
type buckets struct {
	mu     sync.Mutex
	byUser map[string]*rate.Limiter
	rest   *rate.Limiter
}

func newBuckets() *buckets {
	return &buckets{byUser: map[string]*rate.Limiter{}}
}

// take takes one request from the user's allowance of rpm a minute. If there is
// none left it takes nothing, and wait says when there will be.
func (b *buckets) take(user string, rpm int) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, each := time.Now(), rate.Limit(float64(rpm)/60)
	bucket := b.of(user, each)
	if bucket.Limit() != each {
		bucket.SetLimitAt(now, each)
	}
	r := bucket.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

func (b *buckets) of(user string, each rate.Limit) *rate.Limiter {
	if bucket := b.byUser[user]; bucket != nil {
		return bucket
	}
	if len(b.byUser) >= maxBuckets {
		if b.rest == nil {
			b.rest = rate.NewLimiter(each, userBurst)
		}
		return b.rest
	}
	bucket := rate.NewLimiter(each, userBurst)
	b.byUser[user] = bucket
	return bucket
}

// tidy forgets the users that have their whole allowance again.
func (b *buckets) tidy() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(b.byUser, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= userBurst })
}
