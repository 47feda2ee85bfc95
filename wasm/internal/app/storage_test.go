//go:build !js

package app

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// fakeStorage is what a browser has stored, and the tabs that share it.
type fakeStorage struct {
	mu        sync.Mutex
	texts     map[string]map[string]string // by owner and name
	tabs      []*tabStorage
	lockQueue []*tabStorage // the first has the lock, the others wait for it
	broken    bool          // nothing is stored
	full      bool          // no more texts can be stored
	slow      bool          // nothing can be read yet
	isolated  bool          // messages do not reach other tabs
	opened    byte          // counts tabs
}

func newFakeStorage() *fakeStorage { return &fakeStorage{texts: map[string]map[string]string{}} }

// tabStorage is the Storage of one tab. Each function that it calls back takes a
// millisecond.
type tabStorage struct {
	*fakeStorage
	owner     string
	onMessage func(name, text string)
	onLock    func()
	queue     chan func()
}

func (s *fakeStorage) open() *tabStorage {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &tabStorage{fakeStorage: s, queue: make(chan func(), 1000)}
	go func() {
		for f := range k.queue {
			time.Sleep(time.Millisecond)
			f()
		}
	}()
	s.tabs = append(s.tabs, k)
	return k
}

// close closes the tab: it gets no messages any more, and releases the lock.
func (k *tabStorage) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tabs = slices.DeleteFunc(k.tabs, func(o *tabStorage) bool { return o == k })
	k.passLock()
	close(k.queue)
	k.queue = nil
}

// later queues f, unless the tab is closed.
func (k *tabStorage) later(f func()) {
	if k.queue != nil {
		k.queue <- f
	}
}

func (k *tabStorage) Open(instance, user string, told func(name, text string)) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owner, k.onMessage = instance+" "+user, told
	if k.texts[k.owner] == nil {
		k.texts[k.owner] = map[string]string{}
	}
	return !k.isolated
}

func (k *tabStorage) ReadAll(done func(texts []string, durable bool)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.later(func() {
		k.mu.Lock()
		var texts []string
		for name, text := range k.texts[k.owner] {
			if !k.slow {
				texts = append(texts, name, text)
			}
		}
		durable := !k.broken
		k.mu.Unlock()
		done(texts, durable)
	})
}

func (k *tabStorage) Put(name, text string, done func(ok bool)) {
	k.Broadcast(name, text)
	k.mu.Lock()
	defer k.mu.Unlock()
	ok := !k.broken && (!k.full || text == "")
	switch {
	case text == "":
		delete(k.texts[k.owner], name)
	case ok:
		k.texts[k.owner][name] = text
	}
	k.later(func() { done(ok) })
}

func (k *tabStorage) Broadcast(name, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.tabs {
		if o != k && o.owner == k.owner && !k.isolated {
			o.later(func() { o.onMessage(name, text) })
		}
	}
}

func (k *tabStorage) Lock(done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.onLock = done
	k.lockQueue = append(k.lockQueue, k)
	if k.lockQueue[0] == k {
		k.later(done)
		return
	}
	waits := k.lockQueue[0]
	time.AfterFunc(4*time.Second, func() { // takes it from a tab that holds it for too long
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.lockQueue) > 1 && k.lockQueue[0] == waits && slices.Contains(k.lockQueue, k) {
			k.lockQueue = k.lockQueue[1:]
			if next := k.lockQueue[0]; next.onLock != nil {
				next.later(next.onLock)
			}
		}
	})
}

func (k *tabStorage) Unlock() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.passLock()
}

func (k *tabStorage) passLock() {
	had := len(k.lockQueue) > 0 && k.lockQueue[0] == k
	k.lockQueue = slices.DeleteFunc(k.lockQueue, func(o *tabStorage) bool { return o == k })
	if had && len(k.lockQueue) > 0 {
		next := k.lockQueue[0]
		next.later(next.onLock)
	}
}

func (k *tabStorage) Purge(instance, user string, done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for owner := range k.texts {
		if owner == instance+" "+user || user == "" && strings.HasPrefix(owner, instance+" ") {
			k.texts[owner] = map[string]string{}
		}
	}
	k.later(done)
}

// names lists what is stored of the user "u", sorted.
func (s *fakeStorage) names() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for name := range s.texts["i u"] {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
