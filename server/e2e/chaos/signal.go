package chaos

import (
	"context"
	"sync"
	"time"
)

// signal is a condition that can be waited for.
type signal struct {
	mu     sync.Mutex
	on     bool
	raised chan struct{} // closed while on
}

func (s *signal) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.raised == nil {
		s.raised = make(chan struct{})
	}
	switch {
	case on && !s.on:
		close(s.raised)
	case !on && s.on:
		s.raised = make(chan struct{})
	}
	s.on = on
}

// done returns a channel that is closed while the condition holds.
func (s *signal) done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.raised == nil {
		s.raised = make(chan struct{})
	}
	return s.raised
}

// wait waits until the condition holds. It reports false when ctx ends or limit passes
// before.
func (s *signal) wait(ctx context.Context, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-s.done():
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}
