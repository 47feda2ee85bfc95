package clock

import "sync"

// Timer calls its function once, unless it is stopped before.
type Timer struct{ id int32 }

// timers are those that have not fired. The export, which belongs to no value,
// finds its function here; it is all the state that this package has.
var timers = table{waiting: map[int64]func(){}}

type table struct {
	mu      sync.Mutex
	last    int32
	waiting map[int64]func()
}

// AfterFunc calls f after d, on JavaScript's turn: f must not block.
func AfterFunc(d Duration, f func()) *Timer {
	timers.mu.Lock()
	timers.last++
	id := timers.last
	timers.waiting[int64(id)] = f
	timers.mu.Unlock()
	set(id, float64(max(d, 0))/float64(Millisecond))
	return &Timer{id}
}

// Stop prevents the call and reports whether it was still to come.
func (t *Timer) Stop() bool {
	if timers.take(t.id) == nil {
		return false
	}
	unset(t.id)
	return true
}

func (t *table) take(id int32) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.waiting[int64(id)]
	delete(t.waiting, int64(id))
	return f
}

//go:wasmimport gatehouse timer_set
func set(id int32, ms float64)

//go:wasmimport gatehouse timer_clear
func unset(id int32)

// fired tells that a timer has run out.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport timer_fired
func fired(id int32) {
	if f := timers.take(id); f != nil {
		f()
	}
}
