package session

import (
	"context"
	"sync"
)

// keyedLocks is a lock a key, taken in the order of asking; a key that nobody
// holds costs nothing.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	taken chan struct{} // holds one while somebody has the lock
	users int           // who have it or wait for it
}

// lock holds key until the result is called, or gives the context's cause when
// that ends first.
func (k *keyedLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	l := k.use(key)
	select {
	case l.taken <- struct{}{}:
		return func() {
			<-l.taken
			k.leave(key, l)
		}, nil
	case <-ctx.Done():
		k.leave(key, l)
		return nil, context.Cause(ctx)
	}
}

func (k *keyedLocks) use(key string) *keyedLock {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.held[key]
	if l == nil {
		l = &keyedLock{taken: make(chan struct{}, 1)}
		k.held[key] = l
	}
	l.users++
	return l
}

func (k *keyedLocks) leave(key string, l *keyedLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.held, key)
	}
}
