package run

import (
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The delay between two attempts to store. Each delay is twice as long as the one before,
// up to the maximum.
const (
	minStoreDelay = 100 * time.Millisecond
	maxStoreDelay = 2 * time.Second
)

// persist calls store until it succeeds or its error is final. When until is closed,
// persist makes one last attempt and then returns the error.
func (r *Runner) persist(until <-chan struct{}, store func() error) error {
	last := false
	for delay := minStoreDelay; ; delay = min(2*delay, maxStoreDelay) {
		err := store()
		if isFinal(err) {
			return err
		}
		if last {
			r.log.Error("run: gave up storing", "error", err)
			return err
		}
		if delay == minStoreDelay {
			r.log.Warn("run: storing failed, will retry", "error", err)
		}
		select {
		case <-time.After(delay):
		case <-until:
			last = true
		}
	}
}

// isFinal reports whether another attempt would have the same result: err is nil, or an
// answer of the sessions and not a fault of the store.
func isFinal(err error) bool {
	var refusal *protocol.Error
	return err == nil || errors.Is(err, session.ErrRunEnded) || errors.Is(err, store.ErrNotFound) ||
		errors.As(err, &refusal)
}
