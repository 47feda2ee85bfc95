//go:build js

// Package storage implements app.Storage in a real browser: texts that outlast the tab,
// and messages between tabs. It calls functions of web/static/js/storage.js that boot.js
// provides (go:wasmimport), and boot.js calls its exports (go:wasmexport).
//
// JavaScript waits for an export to return, so the functions that are given to this
// package must not block.
package storage

import (
	"sync"
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Storage is an app.Storage. Every value stands for the same storage.
type Storage struct{}

// calls are the calls that JavaScript has not answered yet. This state is global, since
// exports cannot be methods. The package has no other state.
var calls = callTable{pending: map[int32]func(bool, []string){}}

type callTable struct {
	// mu guards the following fields.
	mu        sync.Mutex
	lastID    int32
	pending   map[int32]func(ok bool, texts []string)
	onMessage func(name, text string)
	buffer    []byte // JavaScript copies the next texts into it
}

// Open selects the user, before any other method is called. onMessage is called with what
// the user's other tabs put and broadcast. Open returns false if the browser cannot pass
// messages between tabs.
func (Storage) Open(instance, user string, onMessage func(name, text string)) (tabsConnected bool) {
	calls.mu.Lock()
	calls.onMessage = onMessage
	calls.mu.Unlock()
	return open(unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user),
		int32(len(user))) != 0
}

// ReadAll reads all texts, as name, text, name, text … durable is false if nothing
// outlasts the tab.
func (Storage) ReadAll(done func(texts []string, durable bool)) {
	read(calls.add(func(ok bool, texts []string) { done(texts, ok) }))
}

// Put stores a text under a name, and passes it to the other tabs; "" removes the name.
// ok is false if the text was not stored.
func (Storage) Put(name, text string, done func(ok bool)) {
	id := calls.add(func(ok bool, _ []string) { done(ok) })
	put(id, unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Broadcast passes a message to the other tabs and stores nothing.
func (Storage) Broadcast(name, text string) {
	broadcast(unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Lock calls done when this tab has the lock that the user's tabs share. A tab that holds
// the lock for too long loses it.
func (Storage) Lock(done func()) {
	lock(calls.add(func(bool, []string) { done() }))
}

// Unlock releases the lock.
func (Storage) Unlock() { unlock() }

// Purge removes all texts of a user, or of all users of the instance if user is "".
func (Storage) Purge(instance, user string, done func()) {
	id := calls.add(func(bool, []string) { done() })
	purge(id, unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user),
		int32(len(user)))
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

// takeTexts empties the buffer, which has a JSON array of texts, and returns the texts.
func (t *callTable) takeTexts() []string {
	t.mu.Lock()
	data := t.buffer
	t.buffer = nil
	t.mu.Unlock()
	var texts []string
	_ = jsontext.Read(data, func(d *jsontext.Decoder) { // boot.js wrote valid JSON
		if d.BeginArray() {
			for d.More() {
				texts = append(texts, d.String())
			}
		}
	})
	return texts
}

//go:wasmimport gatehouse storage_open
func open(instance *byte, instanceLength int32, user *byte, userLength int32) int32

//go:wasmimport gatehouse storage_read_all
func read(id int32)

//go:wasmimport gatehouse storage_put
func put(id int32, name *byte, nameLength int32, text *byte, textLength int32)

//go:wasmimport gatehouse storage_broadcast
func broadcast(name *byte, nameLength int32, text *byte, textLength int32)

//go:wasmimport gatehouse storage_lock
func lock(id int32)

//go:wasmimport gatehouse storage_unlock
func unlock()

//go:wasmimport gatehouse storage_purge
func purge(id int32, instance *byte, instanceLength int32, user *byte, userLength int32)

// allocBuffer returns memory that JavaScript copies the next texts into.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport storage_buffer
func allocBuffer(length int32) unsafe.Pointer {
	calls.mu.Lock()
	defer calls.mu.Unlock()
	calls.buffer = make([]byte, length)
	return unsafe.Pointer(unsafe.SliceData(calls.buffer))
}

// answered is called with the answer to a call; its texts are in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport storage_answered
func answered(id, ok int32) {
	texts := calls.takeTexts()
	if done := calls.remove(id); done != nil {
		done(ok != 0, texts)
	}
}

// messageReceived is called with a message of another tab; its name and text are in the
// buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport storage_message
func messageReceived() {
	if texts := calls.takeTexts(); len(texts) == 2 {
		calls.onMessage(texts[0], texts[1])
	}
}
