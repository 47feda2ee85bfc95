package clock

import "sync"

// Timer calls its function once, unless it is stopped before.
type Timer struct{ id int32 }

// timers holds the pending timers. It is a package variable because the export fired,
// which JavaScript calls, has only the id to find its function by.
var timers = timerTable{pending: map[int32]func(){}}

type timerTable struct {
	// mu guards the following fields.
	mu      sync.Mutex
	lastID  int32
	pending map[int32]func() // by id
}

// AfterFunc calls f after d, from JavaScript's event loop: f must not block.
func AfterFunc(d Duration, f func()) *Timer {
	id := timers.add(f)
	setTimer(id, float64(max(d, 0))/float64(Millisecond))
	return &Timer{id}
}

// Stop cancels the timer. It reports whether the call was still pending.
func (t *Timer) Stop() bool {
	if timers.take(t.id) == nil {
		return false
	}
	clearTimer(t.id)
	return true
}

func (t *timerTable) add(f func()) (id int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	t.pending[t.lastID] = f
	return t.lastID
}

// take removes a pending timer and returns its function, or nil if there is none.
func (t *timerTable) take(id int32) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.pending[id]
	delete(t.pending, id)
	return f
}

//go:wasmimport gatehouse timer_set
func setTimer(id int32, ms float64)

//go:wasmimport gatehouse timer_clear
func clearTimer(id int32)

// fired runs the function of a timer that has expired.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport timer_fired
func fired(id int32) {
	if f := timers.take(id); f != nil {
		f()
	}
}
