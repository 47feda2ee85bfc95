package app

import "sync"

// loop runs functions one at a time, in the order of the calls of do, which may come from
// any goroutine. So the rest of this package needs no locks. A function that is passed to
// do by another one runs after it.
type loop struct {
	afterAll func() // runs whenever the queue has become empty; set before the first do

	// mu guards the following fields.
	mu      sync.Mutex
	queue   []func()
	running bool
}

// do runs f now, or queues it if the loop is running: whoever runs the loop runs f too.
// do never waits.
func (l *loop) do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, f)
	if l.running {
		return
	}
	l.running = true
	for len(l.queue) > 0 {
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.runUnlocked(next)
		if len(l.queue) == 0 {
			l.runUnlocked(l.afterAll)
		}
	}
	l.running = false
}

// runUnlocked runs f without the lock, which must be held and is held again afterwards.
func (l *loop) runUnlocked(f func()) {
	l.mu.Unlock()
	defer l.mu.Lock()
	f()
}
