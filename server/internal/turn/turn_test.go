package turn

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// lineCount is how many users have a line.
func (t *Turns) lineCount() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lines)
}

// A user who asks for a lot has one turn at a time, and another user who comes later has
// the next place.
func TestOneUserCannotStarveOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New("searches", 1)
		var order []string
		work := func(user string) {
			done, err := turns.Take(t.Context(), user)
			if err != nil {
				t.Error(user, err)
				return
			}
			order = append(order, user)
			time.Sleep(time.Millisecond)
			done()
		}
		for range 8 {
			go work("greedy")
		}
		synctest.Wait()
		go work("ann")
		synctest.Wait()
		go work("ben")
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"greedy", "ann", "ben"}; len(order) != 10 ||
			!slices.Equal(slices.DeleteFunc(slices.Clone(order[:4]), func(u string) bool { return u == "greedy" }), want[1:]) {
			t.Errorf("the turns were %v", order)
		}
		if lines := turns.lineCount(); lines != 0 || len(turns.places) != 0 {
			t.Errorf("after all: %d lines, %d places taken", lines, len(turns.places))
		}
	})
}

// A place that is free goes to whoever comes: only the user who has a turn waits.
func TestUsersDoNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	turns := New("searches", 2)
	first, err := turns.Take(t.Context(), "greedy")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := turns.TryTake("greedy"); ok {
		t.Error("a user has two turns at once")
	}
	other, ok := turns.TryTake("ann")
	if !ok {
		t.Fatal("another user has to wait while a place is free")
	}
	if _, ok := turns.TryTake("ben"); ok {
		t.Error("there are three pieces of work at once, want two")
	}
	first()
	first() // a second call must not free another's place
	if done, ok := turns.TryTake("ben"); !ok {
		t.Error("the place was not freed")
	} else {
		done()
	}
	other()
	if lines := turns.lineCount(); lines != 0 || len(turns.places) != 0 {
		t.Errorf("after all: %d lines, %d places taken", lines, len(turns.places))
	}
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New("searches", 1)
		done, err := turns.Take(t.Context(), "greedy")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		refused := make(chan error, MaxWaiting+1)
		for range MaxWaiting {
			go func() {
				_, err := turns.Take(t.Context(), "greedy")
				refused <- err
			}()
		}
		synctest.Wait()
		for i := range MaxWaiting + 1 {
			var err error
			if i == 0 { // one too many, refused at once
				_, err = turns.Take(t.Context(), "greedy")
			} else {
				err = <-refused
			}
			var refusal *protocol.Error
			if !errors.As(err, &refusal) || refusal.Code != protocol.ResourceExhausted || refusal.RetryAfterMs <= 0 {
				t.Fatalf("refused with %v", err)
			}
			if waited := time.Since(began); i == 0 && waited != 0 || i > 0 && waited != MaxWait {
				t.Errorf("refusal %d after %v", i, waited)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := turns.Take(gone, "greedy"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who has gone: %v", err)
		}
		done()
		if lines := turns.lineCount(); lines != 0 || len(turns.places) != 0 {
			t.Errorf("after all: %d lines, %d places taken", lines, len(turns.places))
		}
	})
}
