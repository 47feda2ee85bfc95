// Package turn shares out work that costs much more than a usual request, such as a
// search through many rows or the formatting of a long text: each user does one piece of
// it at a time, and all users together a few. So whoever asks for a lot waits for
// themselves, and usual requests never wait for such work.
package turn

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// MaxWaiting is how many pieces of work of one user wait at most.
	MaxWaiting = 16
	// MaxWait is how long a piece of work waits at most.
	MaxWait = 5 * time.Second
	// retryMs is the delay after which a refused caller may try again.
	retryMs = 1000
)

// Turns gives users their turns for one kind of work. Its methods are safe for concurrent
// use.
type Turns struct {
	kind   string        // names the work in refusals: "searches"
	places chan struct{} // has an element for each piece of work that is under way

	// mu guards the following field, and the callers of every line.
	mu    sync.Mutex
	lines map[string]*line // by user
}

// line is the pieces of work of one user. Only the first one of them may wait for a
// place, so that the places go round the users.
type line struct {
	first   chan struct{} // has one element while a piece of work is first
	callers int           // how many pieces of work there are
}

// New returns Turns for atOnce pieces of work at the same time. kind names the work in
// refusals, in the plural.
func New(kind string, atOnce int) *Turns {
	return &Turns{kind: kind, places: make(chan struct{}, atOnce), lines: map[string]*line{}}
}

// HalfTheProcessors is how many pieces of work may run at the same time so that half of
// the processors are left for everything else.
func HalfTheProcessors() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Take waits for a turn of the user. The caller must call done after the work. Take
// refuses with RESOURCE_EXHAUSTED if the user has MaxWaiting callers waiting, or has
// waited for MaxWait. If ctx is done first, the error is its cause.
func (t *Turns) Take(ctx context.Context, user string) (done func(), err error) {
	l, ok := t.join(user)
	if !ok {
		return nil, t.refusal()
	}
	waiting, stop := context.WithTimeoutCause(ctx, MaxWait, t.refusal())
	defer stop()
	if err := put(waiting, l.first); err != nil {
		t.leave(user, l)
		return nil, err
	}
	if err := put(waiting, t.places); err != nil {
		<-l.first
		t.leave(user, l)
		return nil, err
	}
	return sync.OnceFunc(func() {
		<-t.places
		<-l.first
		t.leave(user, l)
	}), nil
}

// TryTake is Take for a caller who cannot wait. It reports false if the user is not next,
// or all places are taken.
func (t *Turns) TryTake(user string) (done func(), ok bool) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	done, err := t.Take(now, user)
	return done, err == nil
}

// put puts an element into a channel. A channel with room never refuses.
func put(ctx context.Context, into chan struct{}) error {
	select {
	case into <- struct{}{}:
		return nil
	default:
	}
	select {
	case into <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *Turns) refusal() error {
	return protocol.Exhausted("too many "+t.kind+" at once: wait until some of yours have ended", retryMs)
}

// join adds a caller to the user's line. ok is false if the line is too long.
func (t *Turns) join(user string) (l *line, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l = t.lines[user]
	switch {
	case l == nil:
		l = &line{first: make(chan struct{}, 1)}
		t.lines[user] = l
	case l.callers > MaxWaiting:
		return nil, false
	}
	l.callers++
	return l, true
}

// leave removes a caller, and the line if nobody is left.
func (t *Turns) leave(user string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.callers--; l.callers == 0 {
		delete(t.lines, user)
	}
}
