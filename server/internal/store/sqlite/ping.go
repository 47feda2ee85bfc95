package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

const (
	// pingEvery is how long a successful Ping is believed, so that whoever asks
	// for readiness cannot make the disk busy.
	pingEvery = time.Second
	// pingWait bounds a Ping: who asks for readiness gives up soon.
	pingWait = 2 * time.Second
	// failureShows is how long a Ping tells of a transaction that failed. What a
	// Ping writes is small: a disk that is nearly full takes that long after it
	// has begun to refuse messages. It is longer than those who were refused wait
	// before they try again.
	failureShows = 5 * time.Second
)

// failed is a transaction's failure.
type failed struct {
	at  time.Time
	err error
}

var errSlow = fmt.Errorf("%w: nothing was committed within %v: %w", store.Slow, pingWait, context.DeadlineExceeded)

// Ping reports whether the store takes what it is given, within 2 s: whether no
// transaction has failed in the last 5 s, and something can be committed now. It
// finds out by committing something: a full or read-only disk shows in no other
// way.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	now := time.Now()
	if f := s.failed.Load(); f != nil && now.Sub(f.at) < failureShows {
		return f.err
	}
	if last := s.pinged.Load(); last != nil && now.Sub(*last) < pingEvery {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pingWait, errSlow)
	defer cancel()
	if err := s.ping(ctx, now); err != nil {
		return err
	}
	s.pinged.Store(&now)
	return nil
}

// ping commits something. Unlike Update it gives up when ctx ends, whatever has
// become of it.
func (s *Store) ping(ctx context.Context, now time.Time) error {
	u, err := s.submit(ctx, func(tx *Tx) error {
		return setMeta(tx, "pinged", now.UTC().Format(time.RFC3339Nano))
	})
	if err != nil {
		return err
	}
	select {
	case <-u.done:
		return u.err
	case <-ctx.Done():
		u.state.CompareAndSwap(waiting, abandoned) // pings must not pile up
		return context.Cause(ctx)
	}
}
