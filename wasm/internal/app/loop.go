package app

import "sync"

// loop runs functions one at a time, in the order in which they are given, from
// whichever goroutine gave them. So whatever happens, on whatever goroutine, the
// rest of this package never runs twice at once and needs no lock. A function
// given from within another one runs after it.
type loop struct {
	mu       sync.Mutex
	queue    []func()
	running  bool
	afterAll func() // runs whenever the queue has become empty
}

// do runs f, or leaves it to whoever is running the loop. It never waits.
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
		l.run(next)
		if len(l.queue) == 0 {
			l.run(l.afterAll)
		}
	}
	l.running = false
}

func (l *loop) run(f func()) {
	l.mu.Unlock()
	defer l.mu.Lock()
	f()
}
