package lastseen

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// memoryStore keeps what was stored.
type memoryStore struct {
	seen  map[string]protocol.Time
	calls []int // how many ids each call had
	fail  error
	then  func() // if set, runs before a call returns
}

func (s *memoryStore) store(seen map[string]protocol.Time) error {
	s.calls = append(s.calls, len(seen))
	if s.then != nil {
		s.then()
	}
	if s.fail != nil {
		return s.fail
	}
	if s.seen == nil {
		s.seen = map[string]protocol.Time{}
	}
	maps.Copy(s.seen, seen)
	return nil
}

func flush(t *testing.T, tracker *Tracker, s *memoryStore) {
	t.Helper()
	if err := tracker.Flush(s.store); err != nil {
		t.Fatal(err)
	}
}

func TestTracker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		var s memoryStore
		flush(t, &tracker, &s)
		if len(s.calls) > 0 || tracker.Latest("a", 7) != 7 {
			t.Errorf("a new tracker stores %v, and says %d", s.calls, tracker.Latest("a", 7))
		}
		begin := protocol.At(time.Now())
		tracker.Seen("a")
		time.Sleep(time.Second)
		tracker.Seen("a")
		tracker.Seen("b")
		now := begin + 1000
		if a, none, ahead := tracker.Latest("a", 7), tracker.Latest("c", 0), tracker.Latest("b", now+1); a != now ||
			none != 0 || ahead != now+1 {
			t.Errorf("seen last at %d, %d and %d", a, none, ahead)
		}
		flush(t, &tracker, &s)
		if len(s.seen) != 2 || s.seen["a"] != now || s.seen["b"] != now {
			t.Errorf("stored are %v at %d", s.seen, now)
		}
		flush(t, &tracker, &s)
		if len(s.calls) != 1 || tracker.Latest("a", 0) != 0 {
			t.Errorf("what was stored is still pending: %v", s.calls)
		}
	})
}

// What could not be stored stays pending.
func TestFlushFails(t *testing.T) {
	t.Parallel()
	var tracker Tracker
	tracker.Seen("a")
	noted := tracker.Latest("a", 0)
	s := memoryStore{fail: errors.New("the disk is full")}
	if err := tracker.Flush(s.store); !errors.Is(err, s.fail) {
		t.Errorf("Flush gives %v", err)
	}
	if tracker.Latest("a", 0) != noted {
		t.Error("what was not stored is forgotten")
	}
	s.fail = nil
	flush(t, &tracker, &s)
	if s.seen["a"] != noted {
		t.Errorf("stored is %v", s.seen)
	}
}

// An id that is seen while its time is being stored stays pending.
func TestSeenDuringFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		tracker.Seen("a")
		tracker.Seen("b")
		before := tracker.Latest("a", 0)
		s := memoryStore{then: func() {
			time.Sleep(time.Second)
			tracker.Seen("a")
		}}
		flush(t, &tracker, &s)
		if s.seen["a"] != before || tracker.Latest("a", 0) != before+1000 ||
			tracker.Latest("b", 0) != 0 {
			t.Errorf("stored is %v; a was seen last at %d, b at %d", s.seen, tracker.Latest("a", 0),
				tracker.Latest("b", 0))
		}
		s.then = nil
		flush(t, &tracker, &s)
		if s.seen["a"] != before+1000 || len(s.seen) != 2 {
			t.Errorf("then stored is %v", s.seen)
		}
	})
}

func TestFlushInBatches(t *testing.T) {
	t.Parallel()
	var tracker Tracker
	const ids = 2*flushBatch + 1
	for i := range ids {
		tracker.Seen(fmt.Sprint(i))
	}
	var s memoryStore
	flush(t, &tracker, &s)
	if fmt.Sprint(s.calls) != fmt.Sprint([]int{flushBatch, flushBatch, 1}) || len(s.seen) != ids {
		t.Errorf("%d ids are stored in calls of %v", len(s.seen), s.calls)
	}
}

func TestTrackerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var tracker Tracker
	var s memoryStore
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 200 {
				tracker.Seen(fmt.Sprint(i*50 + n))
				_ = tracker.Latest("7", 0)
			}
		})
	}
	for range 5 {
		flush(t, &tracker, &s)
	}
	all.Wait()
	flush(t, &tracker, &s)
	if len(s.seen) != 7*50+200 {
		t.Errorf("%d ids are stored", len(s.seen))
	}
}
