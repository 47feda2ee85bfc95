//go:build js

package dom

import "sync"

// calls are the calls that JavaScript has not answered yet.
var calls = callTable{pending: map[int32]call{}}

// callTable holds calls by id.
type callTable struct {
	// mu guards the following fields.
	mu      sync.Mutex
	lastID  int32
	pending map[int32]call
}

type call struct {
	done     func(status int, text string)
	progress func(percent int) // may be nil
}

// statusOnly makes a call that is answered by a status without a text. Status 0 is a
// failure.
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

// Fetch makes a request to this page's origin, with a JSON body or "". It calls done with
// the HTTP status and the answer's text; the status is 0 if there was no answer within 15
// s.
func (*Browser) Fetch(method, path, body string, done func(status int, text string)) {
	fetch(calls.add(call{done: done}), method, path, body)
}

// Copy puts text on the clipboard. On a page without a secure context, such as plain HTTP
// in a local network, the browser may refuse.
func (*Browser) Copy(text string, done func(ok bool)) {
	copyText(calls.add(statusOnly(done)), text)
}

//go:wasmimport gatehouse page_fetch
func fetch(id int32, method, path, body string)

//go:wasmimport gatehouse page_copy_text
func copyText(id int32, text string)

// answered is called with the answer to a call; length is that of the answer's text.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_answered
func answered(id, status, length int32) {
	answer := text(length)
	c := calls.get(id)
	calls.remove(id)
	c.done(int(status), answer)
}
