package auth

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
					if _, ok := l.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})); ok {
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
		if l.Any() {
			t.Error("there is one more")
		}
		time.Sleep(time.Minute)
		if n := lines(5000); n != linesInAll {
			t.Errorf("%d lines in the next minute", n)
		}
	})
}
