package chaos

import (
	"context"
	"sync"
	"time"
)

// signal is something that is so or not, and can be waited for.
type signal struct {
	mu sync.Mutex
	is bool
	on chan struct{} // closed while it is so
}

func (s *signal) set(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on == nil {
		s.on = make(chan struct{})
	}
	switch {
	case is && !s.is:
		close(s.on)
	case !is && s.is:
		s.on = make(chan struct{})
	}
	s.is = is
}

func (s *signal) done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on == nil {
		s.on = make(chan struct{})
	}
	return s.on
}

// wait waits until it is so, and reports false when ctx ends or the limit passes
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
