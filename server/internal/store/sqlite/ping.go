package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

const (
	// pingInterval is how long the result of a successful Ping is reused, so that probes
	// for readiness cannot make the disk busy.
	pingInterval = time.Second
	// pingTimeout limits a Ping, since probes for readiness give up soon.
	pingTimeout = 2 * time.Second
	// failureInterval is how long Ping reports a failed transaction. A Ping writes
	// little, so on a disk that is nearly full it may succeed while messages fail. The
	// interval is longer than the retry delay of refused clients.
	failureInterval = 5 * time.Second
)

// failed is a failed transaction.
type failed struct {
	at  time.Time
	err error
}

var errSlow = fmt.Errorf("%w: nothing was committed within %v: %w", store.Slow, pingTimeout,
	context.DeadlineExceeded)

// Ping returns an error if the database was found damaged, if a transaction has failed in the last 5 s, or if nothing can be
// committed within 2 s. It commits something, because a full or read-only disk cannot be
// noticed in any other way.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	if d := s.damage.Load(); d != nil {
		return d.err
	}
	now := time.Now()
	if f := s.failed.Load(); f != nil && now.Sub(f.at) < failureInterval {
		return f.err
	}
	if last := s.pinged.Load(); last != nil && now.Sub(*last) < pingInterval {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pingTimeout, errSlow)
	defer cancel()
	if err := s.ping(ctx, now); err != nil {
		return err
	}
	s.pinged.Store(&now)
	return nil
}

// ping commits something. Unlike Update, it returns when ctx is done, even if the commit
// is under way.
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
