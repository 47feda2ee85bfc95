package sqlite

import (
	"context"
	"runtime"
	"sync"
	"testing"
)

// Concurrent writers share commits, even on one processor.
func TestWritersShareCommitsOnOneProcessor(t *testing.T) {
	s := openTest(t)
	createScratch(t, s)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const writers, each = 100, 20
	before := s.commits.Load()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				if err := s.Update(context.Background(), insert(w*each+n)); err != nil {
					t.Error(err)
				}
				runtime.Gosched() // as a caller that uses the result
			}
		})
	}
	all.Wait()
	if commits := s.commits.Load() - before; commits > writers*each/10 {
		t.Errorf("%d updates took %d commits", writers*each, commits)
	}
}
