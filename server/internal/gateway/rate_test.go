package gateway

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestBucketRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBuckets()
		take := func(user string) (time.Duration, bool) { return b.take(user, 60) }
		for i := range userBurst {
			if _, ok := take("a"); !ok {
				t.Fatalf("request %d of the burst was refused", i)
			}
		}
		wait, ok := take("a")
		if ok || wait <= 0 || wait > time.Second {
			t.Fatalf("%v %v, want a refusal for at most a second", wait, ok)
		}
		if _, ok := take("b"); !ok {
			t.Error("somebody else pays for it")
		}
		time.Sleep(wait - time.Millisecond)
		if _, ok := take("a"); ok {
			t.Error("allowed before its time")
		}
		time.Sleep(time.Millisecond)
		if _, ok := take("a"); !ok {
			t.Error("refused at its time")
		}
	})
}

func TestBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBuckets()
		for i := range maxBuckets + 100 {
			b.take(strconv.Itoa(i), 60)
		}
		if len(b.byUser) != maxBuckets {
			t.Errorf("%d buckets", len(b.byUser))
		}
		b.tidy()
		if len(b.byUser) != maxBuckets {
			t.Errorf("%d buckets are left while none is full", len(b.byUser))
		}
		time.Sleep(time.Second)
		b.tidy()
		if len(b.byUser) != 0 {
			t.Errorf("%d buckets are left that are full", len(b.byUser))
		}
	})
}

func TestRateThatChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBuckets()
		for range userBurst {
			b.take("a", 1)
		}
		if wait, ok := b.take("a", 1); ok || wait <= 59*time.Second {
			t.Fatalf("%v %v", wait, ok)
		}
		if wait, ok := b.take("a", 6000); ok || wait > 10*time.Millisecond {
			t.Fatalf("%v %v once there may be more", wait, ok)
		}
	})
}

// TestRateProperty lets nobody have more than the burst and what has come back
// since, and nobody wait for less than he was told.
func TestRateProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rpm := rapid.IntRange(1, 100_000).Draw(rt, "rpm")
		waits := rapid.SliceOfN(rapid.Int64Range(0, int64(3*time.Second)), 1, 50).Draw(rt, "waits")
		synctest.Test(t, func(*testing.T) {
			b, begun, allowed := newBuckets(), time.Now(), 0
			for _, d := range waits {
				wait, ok := b.take("a", rpm)
				if ok {
					allowed++
				} else {
					time.Sleep(wait + time.Microsecond)
					if _, ok := b.take("a", rpm); !ok {
						rt.Fatalf("refused after the %v that it was to wait", wait)
					}
					allowed++
				}
				if most := userBurst + time.Since(begun).Minutes()*float64(rpm) + .01; float64(allowed) > most {
					rt.Fatalf("%d requests, at most %v may be", allowed, most)
				}
				time.Sleep(time.Duration(d))
			}
		})
	})
}
