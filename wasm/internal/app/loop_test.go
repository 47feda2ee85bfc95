//go:build !js

package app

import (
	"slices"
	"sync"
	"testing"
)

func TestLoopRunsOneAtATimeAndInOrder(t *testing.T) {
	t.Parallel()
	var order []int // no lock: the race detector watches
	settled := 0
	l := loop{afterAll: func() { settled++ }}
	l.do(func() {
		order = append(order, 1)
		l.do(func() {
			order = append(order, 3)
			l.do(func() { order = append(order, 4) })
		})
		order = append(order, 2)
	})
	if !slices.Equal(order, []int{1, 2, 3, 4}) || settled != 1 {
		t.Errorf("the order is %v, settled %d times", order, settled)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 100 {
				l.do(func() { order = append(order, 0) })
			}
		})
	}
	all.Wait()
	l.do(func() {
		if len(order) != 4+50*100 {
			t.Errorf("%d functions ran", len(order))
		}
	})
}
