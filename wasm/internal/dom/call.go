//go:build js

package dom

import "sync"

// calls are those that JavaScript has not answered yet.
var calls = callTable{pending: map[int32]call{}}

// table is keyed by int64 as all tables of the client are, since each kind of map
// is linked for itself.
type callTable struct {
	mu      sync.Mutex
	lastID  int32
	pending map[int32]call
}

type call struct {
	done     func(status int, text string)
	progress func(percent int) // may be nil
}

// told is a call whose status is all that there is to know.
func statusOnly(done func(ok bool)) call {
	return call{done: func(status int, _ string) { done(status != 0) }}
}

func (t *callTable) add(c call) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	t.pending[t.lastID] = c
	return t.lastID
}

func (t *callTable) get(id int32) call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending[id]
}

func (t *callTable) remove(id int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pending, id)
}

// Fetch makes a same-origin request with a JSON body ("" for none), and tells
// done the status and the answer's text; status 0 when there was no answer
// within 15 s.
func (*Browser) Fetch(method, path, body string, done func(status int, text string)) {
	fetch(calls.add(call{done: done}), method, path, body)
}

// Copy puts text on the clipboard. Pages that did not come by a secure context,
// such as http in a local network, have only the old way.
func (*Browser) Copy(text string, done func(ok bool)) {
	copyText(calls.add(statusOnly(done)), text)
}

//go:wasmimport gatehouse page_fetch
func fetch(id int32, method, path, body string)

//go:wasmimport gatehouse page_copy
func copyText(id int32, text string)

// answered tells what came of a call; its text is handed over.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_answered
func answered(id, status, length int32) {
	answer := text(length)
	c := calls.get(id)
	calls.remove(id)
	c.done(int(status), answer)
}
