package ratelimit

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestLinesOfManyNetworks are no more than those of few.
func TestLinesOfManyNetworks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLines(6)
		lines := func(networks int) (n int) {
			for i := range networks {
				for range 10 {
					if l.Allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})) {
						n++
					}
				}
			}
			return n
		}
		if n := lines(1); n != 6 {
			t.Errorf("%d lines of one network", n)
		}
		if n := lines(5000); n != linesInAll-6 {
			t.Errorf("%d lines of 5,000 networks", n)
		}
		if l.AllowAny() {
			t.Error("there is one more")
		}
		time.Sleep(time.Minute)
		if n := lines(5000); n != linesInAll {
			t.Errorf("%d lines in the next minute", n)
		}
		time.Sleep(time.Minute)
		if l.Evict(); l.byNetwork.Len() != 0 {
			t.Errorf("%d networks are remembered after a minute without lines", l.byNetwork.Len())
		}
	})
}
