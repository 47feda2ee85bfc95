package ratelimit

import (
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New[string](10, time.Minute)
		for i := range 10 {
			if wait := l.wait("a"); wait != 0 {
				t.Fatalf("call %d would wait %v", i, wait)
			}
			if wait, ok := l.Take("a"); !ok || wait != 0 {
				t.Fatalf("call %d: %v, %v", i, wait, ok)
			}
		}
		for range 3 { // a refusal takes nothing, and neither does Wait
			if wait, ok := l.Take("a"); ok || wait != 6*time.Second {
				t.Errorf("the 11th call: %v, %v; want to wait 6 s", wait, ok)
			}
			if wait := l.wait("a"); wait != 6*time.Second {
				t.Errorf("the 11th call would wait %v, want 6 s", wait)
			}
		}
		if _, ok := l.Take("b"); !ok {
			t.Error("another key is refused")
		}
		time.Sleep(6*time.Second - time.Nanosecond)
		if wait, ok := l.Take("a"); ok || wait != time.Nanosecond {
			t.Errorf("a moment too early: %v, %v", wait, ok)
		}
		time.Sleep(time.Nanosecond)
		if _, ok := l.Take("a"); !ok {
			t.Error("refused when the wait is over")
		}
		if _, ok := l.Take("a"); ok {
			t.Error("a second one is allowed when one has come back")
		}
		l.Return("a")
		if _, ok := l.Take("a"); !ok {
			t.Error("refused what was given back")
		}
		time.Sleep(time.Minute)
		l.Return("a") // of what is whole nothing can be given back
		allowed := 0
		for range 20 {
			if _, ok := l.Take("a"); ok {
				allowed++
			}
		}
		if allowed != 10 {
			t.Errorf("%d calls at once after a minute, want 10", allowed)
		}
	})
}

// TestReturnNeverExceedsTheBurst returns more than was taken, to a key that has a bucket
// and to one that has none: the library adds a negative number of events, and must not
// count beyond the burst.
func TestReturnNeverExceedsTheBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New[string](5, time.Minute)
		for range 3 {
			l.Take("a")
		}
		for range 20 {
			l.Return("a")
			l.Return("never seen")
		}
		for _, key := range []string{"a", "never seen"} {
			allowed := 0
			for range 20 {
				if _, ok := l.Take(key); ok {
					allowed++
				}
			}
			if allowed != 5 {
				t.Errorf("%q: %d at once, want 5", key, allowed)
			}
		}
	})
}

func TestLimiterForgetsTheIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New[int](10, time.Minute)
		for i := range 100 {
			l.Take(i)
		}
		time.Sleep(6 * time.Second)
		l.Take(-1)
		if l.Evict(); l.Len() != 1 {
			t.Errorf("%d keys are remembered, want the one that is not whole", l.Len())
		}
		l.Return(-1)
		if l.Len() != 0 {
			t.Errorf("%d keys are remembered, want none", l.Len())
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New[netip.Addr](10, time.Minute)
		address := func(i int) netip.Addr {
			return netip.AddrFrom4([4]byte{10, byte(i >> 16),
				byte(i >> 8), byte(i)})
		}
		allowed := 0
		for i := range MaxKeys + 1000 {
			if _, ok := l.Take(address(i)); ok {
				allowed++
			}
		}
		if l.Len() != MaxKeys || allowed != MaxKeys+10 {
			t.Errorf("%d networks are remembered and %d calls allowed, want %d and %d", l.Len(), allowed,
				MaxKeys, MaxKeys+10)
		}
		if wait := l.wait(address(MaxKeys)); wait != 6*time.Second {
			t.Errorf("a key without a bucket of its own would wait %v, want 6 s as the others like it", wait)
		}
		l.Return(address(MaxKeys))
		if _, ok := l.Take(address(MaxKeys + 1)); !ok {
			t.Error("an event returned by one key without a bucket is refused to another")
		}
		if _, ok := l.Take(address(0)); !ok {
			t.Error("a network that is known is refused for those that are not")
		}
		time.Sleep(time.Minute)
		for i := range 20 {
			if _, ok := l.Take(address(MaxKeys + i)); !ok {
				t.Fatalf("new network %d is refused when there is room again", i)
			}
		}
	})
}

// TestLimiterProperty checks that in any period a key gets at most its burst and what is
// refilled in that period, and that an event is allowed after the wait that Take gave.
func TestLimiterProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func() {
			burst := rapid.IntRange(1, 70).Draw(rt, "burst")
			period := time.Duration(rapid.IntRange(1, 1000).Draw(rt, "period")) * time.Second / 7
			l := New[string](burst, period)
			var taken []time.Time
			for _, pause := range rapid.SliceOfN(rapid.IntRange(0, 100), 1, 200).Draw(rt, "pauses") {
				if pause > 60 {
					time.Sleep(period * time.Duration(pause-60) / time.Duration(burst*10))
				}
				wait, ok := l.Take("a")
				if !ok {
					time.Sleep(wait)
					if _, ok = l.Take("a"); !ok {
						rt.Fatalf("refused after the wait of %v that Take gave", wait)
					}
				}
				taken = append(taken, time.Now())
				if n := len(taken) - burst - 1; n >= 0 &&
					taken[len(taken)-1].Sub(taken[n]) < period/time.Duration(burst) {
					rt.Fatalf("%d calls within %v", burst+1, taken[len(taken)-1].Sub(taken[n]))
				}
			}
			for i := 0; i+2*burst < len(taken); i++ {
				if d := taken[i+2*burst].Sub(taken[i]); d < period/time.Duration(burst)*time.Duration(burst) {
					rt.Fatalf("%d calls within %v, and the period is %v", 2*burst+1, d, period)
				}
			}
		})
	})
}

// userBurst and perMinute are those of gateway.rate_limit_rpm.
const userBurst = 5

func perMinute(rpm int) *Limiter[string] {
	l := NewBurst[string](userBurst)
	l.SetRate(rpm, time.Minute)
	return l
}

func TestBucketRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := perMinute(60)
		for i := range userBurst {
			if _, ok := l.Take("a"); !ok {
				t.Fatalf("request %d of the burst was refused", i)
			}
		}
		wait, ok := l.Take("a")
		if ok || wait <= 0 || wait > time.Second {
			t.Fatalf("%v %v, want a refusal for at most a second", wait, ok)
		}
		if _, ok := l.Take("b"); !ok {
			t.Error("another key is refused, too")
		}
		time.Sleep(wait - time.Millisecond)
		if _, ok := l.Take("a"); ok {
			t.Error("allowed before its time")
		}
		time.Sleep(time.Millisecond)
		if _, ok := l.Take("a"); !ok {
			t.Error("refused at its time")
		}
	})
}

func TestBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := perMinute(60)
		for i := range MaxKeys + 100 {
			l.Take(strconv.Itoa(i))
		}
		if l.Len() != MaxKeys {
			t.Errorf("%d buckets", l.Len())
		}
		l.Evict()
		if l.Len() != MaxKeys {
			t.Errorf("%d buckets are left while none is full", l.Len())
		}
		time.Sleep(time.Second)
		l.Evict()
		if l.Len() != 0 {
			t.Errorf("%d buckets are left that are full", l.Len())
		}
	})
}

func TestRateThatChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := perMinute(1)
		for range userBurst {
			l.Take("a")
		}
		if wait, ok := l.Take("a"); ok || wait <= 59*time.Second {
			t.Fatalf("%v %v", wait, ok)
		}
		l.SetRate(6000, time.Minute)
		if wait, ok := l.Take("a"); ok || wait > 10*time.Millisecond {
			t.Fatalf("%v %v once there may be more", wait, ok)
		}
	})
}

// TestRateProperty checks that a key gets at most its burst and what was refilled since,
// and that an event is allowed after the wait that Take gave.
func TestRateProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rpm := rapid.IntRange(1, 100_000).Draw(rt, "rpm")
		waits := rapid.SliceOfN(rapid.Int64Range(0, int64(3*time.Second)), 1, 50).Draw(rt, "waits")
		bubble(t, func() {
			l, begun, allowed := perMinute(rpm), time.Now(), 0
			for _, d := range waits {
				wait, ok := l.Take("a")
				if ok {
					allowed++
				} else {
					time.Sleep(wait + time.Microsecond)
					if _, ok := l.Take("a"); !ok {
						rt.Fatalf("refused after the wait of %v that Take gave", wait)
					}
					allowed++
				}
				if most := userBurst + time.Since(begun).Minutes()*float64(rpm) + .01; float64(allowed) > most {
					rt.Fatalf("%d requests allowed, want at most %v", allowed, most)
				}
				time.Sleep(time.Duration(d))
			}
		})
	})
}

// bubble runs a rapid check in a synctest bubble, and passes on the panics that rapid uses.
func bubble(t *testing.T, check func()) {
	var thrown any
	synctest.Test(t, func(*testing.T) {
		defer func() { thrown = recover() }()
		check()
	})
	if thrown != nil {
		panic(thrown)
	}
}

func BenchmarkLimiter(b *testing.B) {
	l := New[netip.Prefix](60, time.Minute)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Take(Network(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})))
	}
}

// wait says how long the key has to wait until there is an event to take; 0 if there is
// one. It takes nothing.
func (l *Limiter[K]) wait(key K) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b := l.bucketLocked(key, now)
	if b == nil {
		return 0
	}
	return untilHas(b, 1, now)
}
