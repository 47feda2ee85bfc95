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
func (t *tabStorage) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tabs = slices.DeleteFunc(t.tabs, func(o *tabStorage) bool { return o == t })
	t.passLock()
	close(t.queue)
	t.queue = nil
}

// later queues f, unless the tab is closed.
func (t *tabStorage) later(f func()) {
	if t.queue != nil {
		t.queue <- f
	}
}

func (t *tabStorage) Open(instance, user string, onMessage func(name, text string)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owner, t.onMessage = instance+" "+user, onMessage
	if t.texts[t.owner] == nil {
		t.texts[t.owner] = map[string]string{}
	}
	return !t.isolated
}

func (t *tabStorage) ReadAll(done func(texts []string, durable bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.later(func() {
		t.mu.Lock()
		var texts []string
		for name, text := range t.texts[t.owner] {
			if !t.slow {
				texts = append(texts, name, text)
			}
		}
		durable := !t.broken
		t.mu.Unlock()
		done(texts, durable)
	})
}

func (t *tabStorage) Put(name, text string, done func(ok bool)) {
	t.Broadcast(name, text)
	t.mu.Lock()
	defer t.mu.Unlock()
	ok := !t.broken && (!t.full || text == "")
	switch {
	case text == "":
		delete(t.texts[t.owner], name)
	case ok:
		t.texts[t.owner][name] = text
	}
	t.later(func() { done(ok) })
}

func (t *tabStorage) Broadcast(name, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.tabs {
		if o != t && o.owner == t.owner && !t.isolated {
			o.later(func() { o.onMessage(name, text) })
		}
	}
}

func (t *tabStorage) Lock(done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.onLock = done
	t.lockQueue = append(t.lockQueue, t)
	if t.lockQueue[0] == t {
		t.later(done)
		return
	}
	waits := t.lockQueue[0]
	time.AfterFunc(4*time.Second, func() { // takes it from a tab that holds it for too long
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.lockQueue) > 1 && t.lockQueue[0] == waits && slices.Contains(t.lockQueue, t) {
			t.lockQueue = t.lockQueue[1:]
			if next := t.lockQueue[0]; next.onLock != nil {
				next.later(next.onLock)
			}
		}
	})
}

func (t *tabStorage) Unlock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.passLock()
}

func (t *tabStorage) passLock() {
	had := len(t.lockQueue) > 0 && t.lockQueue[0] == t
	t.lockQueue = slices.DeleteFunc(t.lockQueue, func(o *tabStorage) bool { return o == t })
	if had && len(t.lockQueue) > 0 {
		next := t.lockQueue[0]
		next.later(next.onLock)
	}
}

func (t *tabStorage) Purge(instance, user string, done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for owner := range t.texts {
		if owner == instance+" "+user || user == "" && strings.HasPrefix(owner, instance+" ") {
			t.texts[owner] = map[string]string{}
		}
	}
	t.later(done)
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
