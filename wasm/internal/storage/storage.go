//go:build js

// Package storage is the client's Keeper in a browser: texts that outlast the tab,
// through functions that web/static/js/boot.js lends (go:wasmimport) of keep.js
// and calls (go:wasmexport).
//
// The exports run to their end before JavaScript goes on, so what they call must
// not block.
package storage

import (
	"sync"
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Keeper keeps the texts of one user of this browser: an app.Keeper.
type Storage struct{}

// calls are those that were not answered. The exports, which belong to no value,
// find theirs here; it is all the state that this package has.
var calls = callTable{pending: map[int32]func(bool, []string){}}

type callTable struct {
	mu        sync.Mutex
	lastID    int32
	pending   map[int32]func(ok bool, texts []string)
	onMessage func(name, text string)
	buffer    []byte // that JavaScript is filling
}

// Open says whose texts they are, before anything else; told hears what the
// user's other tabs put and tell, unless it gives false.
func (Storage) Open(instance, user string, told func(name, text string)) (hears bool) {
	calls.mu.Lock()
	calls.onMessage = told
	calls.mu.Unlock()
	return open(unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user), int32(len(user))) != 0
}

// Read gives all that is kept, as name, text, name, text …, and whether anything
// outlasts the tab.
func (Storage) ReadAll(done func(texts []string, durable bool)) {
	read(calls.add(func(ok bool, texts []string) { done(texts, ok) }))
}

// Put keeps a text in the place of the one of that name, and tells the other
// tabs; "" removes it. ok is false when it is not kept.
func (Storage) Put(name, text string, done func(ok bool)) {
	id := calls.add(func(ok bool, _ []string) { done(ok) })
	put(id, unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Tell tells the other tabs and keeps nothing.
func (Storage) Broadcast(name, text string) {
	broadcast(unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Lock calls done when it is this tab's turn among the user's, or when the one
// that has the turn has it for too long.
func (Storage) Lock(done func()) {
	lock(calls.add(func(bool, []string) { done() }))
}

// Unlock ends the turn.
func (Storage) Unlock() { unlock() }

// Purge removes what is kept of a user, or with user "" of everybody at the
// instance.
func (Storage) Purge(instance, user string, done func()) {
	id := calls.add(func(bool, []string) { done() })
	purge(id, unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user), int32(len(user)))
}

func (t *callTable) add(done func(bool, []string)) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	t.pending[t.lastID] = done
	return t.lastID
}

func (t *callTable) remove(id int32) func(bool, []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.pending[id]
	delete(t.pending, id)
	return done
}

// take reads the texts in the buffer, a JSON array.
func (t *callTable) take() []string {
	t.mu.Lock()
	data := t.buffer
	t.buffer = nil
	t.mu.Unlock()
	var texts []string
	_ = jsontext.Read(data, func(d *jsontext.Decoder) { // boot.js made it
		if d.BeginArray() {
			for d.More() {
				texts = append(texts, d.String())
			}
		}
	})
	return texts
}

//go:wasmimport gatehouse keep_open
func open(instance *byte, instanceLength int32, user *byte, userLength int32) int32

//go:wasmimport gatehouse keep_read
func read(id int32)

//go:wasmimport gatehouse keep_put
func put(id int32, name *byte, nameLength int32, text *byte, textLength int32)

//go:wasmimport gatehouse keep_tell
func broadcast(name *byte, nameLength int32, text *byte, textLength int32)

//go:wasmimport gatehouse keep_lock
func lock(id int32)

//go:wasmimport gatehouse keep_unlock
func unlock()

//go:wasmimport gatehouse keep_purge
func purge(id int32, instance *byte, instanceLength int32, user *byte, userLength int32)

// grow gives the memory that JavaScript copies the next texts into.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport keep_buffer
func allocBuffer(length int32) unsafe.Pointer {
	calls.mu.Lock()
	defer calls.mu.Unlock()
	calls.buffer = make([]byte, length)
	return unsafe.Pointer(unsafe.SliceData(calls.buffer))
}

// answered tells what came of a call; what it gives is in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport keep_done
func answered(id, ok int32) {
	texts := calls.take()
	if done := calls.remove(id); done != nil {
		done(ok != 0, texts)
	}
}

// heard tells what another tab put or told; its name and text are in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport keep_told
func messageReceived() {
	if texts := calls.take(); len(texts) == 2 {
		calls.onMessage(texts[0], texts[1])
	}
}
