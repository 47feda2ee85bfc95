//go:build !js

package app

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// shelf is what a browser keeps, and its tabs that share it.
type shelf struct {
	mu     sync.Mutex
	texts  map[string]map[string]string // by owner and name
	tabs   []*keeper
	turns  []*keeper // that have the lock, or wait for it
	broken bool      // nothing is kept
	full   bool      // there is no room for more
	slow   bool      // nothing is read yet
	mute   bool      // tabs do not hear of each other
	opened byte      // counts tabs
}

func newShelf() *shelf { return &shelf{texts: map[string]map[string]string{}} }

// keeper is one tab's Keeper. What it does for others takes a millisecond.
type keeper struct {
	*shelf
	owner  string
	told   func(name, text string)
	locked func()
	todo   chan func()
}

func (s *shelf) open() *keeper {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &keeper{shelf: s, todo: make(chan func(), 1000)}
	go func() {
		for f := range k.todo {
			time.Sleep(time.Millisecond)
			f()
		}
	}()
	s.tabs = append(s.tabs, k)
	return k
}

// close ends the tab: it hears nothing more, and its turn is over.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tabs = slices.DeleteFunc(k.tabs, func(o *keeper) bool { return o == k })
	k.passTurn()
	close(k.todo)
	k.todo = nil
}

// later does something on another turn, unless the tab is closed.
func (k *keeper) later(f func()) {
	if k.todo != nil {
		k.todo <- f
	}
}

func (k *keeper) Open(instance, user string, told func(name, text string)) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owner, k.told = instance+" "+user, told
	if k.texts[k.owner] == nil {
		k.texts[k.owner] = map[string]string{}
	}
	return !k.mute
}

func (k *keeper) Read(done func(texts []string, durable bool)) {
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

func (k *keeper) Put(name, text string, done func(ok bool)) {
	k.Tell(name, text)
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

func (k *keeper) Tell(name, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.tabs {
		if o != k && o.owner == k.owner && !k.mute {
			o.later(func() { o.told(name, text) })
		}
	}
}

func (k *keeper) Lock(done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked = done
	k.turns = append(k.turns, k)
	if k.turns[0] == k {
		k.later(done)
		return
	}
	waits := k.turns[0]
	time.AfterFunc(4*time.Second, func() { // steals it
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.turns) > 1 && k.turns[0] == waits && slices.Contains(k.turns, k) {
			k.turns = k.turns[1:]
			if next := k.turns[0]; next.locked != nil {
				next.later(next.locked)
			}
		}
	})
}

func (k *keeper) Unlock() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.passTurn()
}

func (k *keeper) passTurn() {
	had := len(k.turns) > 0 && k.turns[0] == k
	k.turns = slices.DeleteFunc(k.turns, func(o *keeper) bool { return o == k })
	if had && len(k.turns) > 0 {
		next := k.turns[0]
		next.later(next.locked)
	}
}

func (k *keeper) Purge(instance, user string, done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for owner := range k.texts {
		if owner == instance+" "+user || user == "" && strings.HasPrefix(owner, instance+" ") {
			k.texts[owner] = map[string]string{}
		}
	}
	k.later(done)
}

// names lists what is kept of the user "u", in order.
func (s *shelf) names() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for name := range s.texts["i u"] {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
