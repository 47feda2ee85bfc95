package run

import (
	"errors"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Waits between tries to store.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// persist tries until the store takes it, or until has come and one more try
// was in vain. What the domain answers is final.
func (r *Runner) persist(until <-chan struct{}, try func() error) error {
	last := false
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		if final(err) {
			return err
		}
		if last {
			r.log.Error("run: the store took nothing, given up", "error", err)
			return err
		}
		if wait == firstRetry {
			r.log.Warn("run: the store takes nothing, trying again", "error", err)
		}
		select {
		case <-time.After(wait):
		case <-until:
			last = true
		}
	}
}

func final(err error) bool {
	var refusal *protocol.Error
	return err == nil || errors.Is(err, session.ErrRunEnded) || errors.Is(err, store.ErrNotFound) || errors.As(err, &refusal)
}
