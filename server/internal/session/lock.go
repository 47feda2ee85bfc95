package session

import (
	"context"
	"sync"
)

// keyedLocks has one lock for each key. Locks are acquired in the order of the calls.
// Only keys in use take memory.
type keyedLocks struct {
	// mu guards the following field, and the users of every keyedLock.
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	taken chan struct{} // has one element while the lock is held
	users int           // how many goroutines hold the lock or wait for it
}

// lock acquires the lock of key. The caller must call unlock. If ctx is done first, lock
// returns its cause.
func (k *keyedLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	l := k.acquire(key)
	select {
	case l.taken <- struct{}{}:
		return func() {
			<-l.taken
			k.release(key, l)
		}, nil
	case <-ctx.Done():
		k.release(key, l)
		return nil, context.Cause(ctx)
	}
}

// acquire returns the lock of key, creating it if needed, and counts a user.
func (k *keyedLocks) acquire(key string) *keyedLock {
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

// release removes a user of the lock, and the lock if there are no more users.
func (k *keyedLocks) release(key string, l *keyedLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.held, key)
	}
}
