//go:build js

// Package keep is the client's Keeper in a browser: texts that outlast the tab,
// through functions that web/static/js/boot.js lends (go:wasmimport) of keep.js
// and calls (go:wasmexport).
//
// The exports run to their end before JavaScript goes on, so what they call must
// not block.
package keep

import (
	"sync"
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// Keeper keeps the texts of one user of this browser: an app.Keeper.
type Keeper struct{}

// calls are those that were not answered. The exports, which belong to no value,
// find theirs here; it is all the state that this package has.
var calls = table{waiting: map[int64]func(bool, []string){}}

type table struct {
	mu      sync.Mutex
	last    int32
	waiting map[int64]func(ok bool, texts []string)
	told    func(name, text string)
	buffer  []byte // that JavaScript is filling
}

// Open says whose texts they are, before anything else; told hears what the
// user's other tabs put and tell, unless it gives false.
func (Keeper) Open(instance, user string, told func(name, text string)) (hears bool) {
	calls.mu.Lock()
	calls.told = told
	calls.mu.Unlock()
	return open(unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user), int32(len(user))) != 0
}

// Read gives all that is kept, as name, text, name, text …, and whether anything
// outlasts the tab.
func (Keeper) Read(done func(texts []string, durable bool)) {
	read(calls.add(func(ok bool, texts []string) { done(texts, ok) }))
}

// Put keeps a text in the place of the one of that name, and tells the other
// tabs; "" removes it. ok is false when it is not kept.
func (Keeper) Put(name, text string, done func(ok bool)) {
	id := calls.add(func(ok bool, _ []string) { done(ok) })
	put(id, unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Tell tells the other tabs and keeps nothing.
func (Keeper) Tell(name, text string) {
	tell(unsafe.StringData(name), int32(len(name)), unsafe.StringData(text), int32(len(text)))
}

// Lock calls done when it is this tab's turn among the user's, or when the one
// that has the turn has it for too long.
func (Keeper) Lock(done func()) {
	lock(calls.add(func(bool, []string) { done() }))
}

// Unlock ends the turn.
func (Keeper) Unlock() { unlock() }

// Purge removes what is kept of a user, or with user "" of everybody at the
// instance.
func (Keeper) Purge(instance, user string, done func()) {
	id := calls.add(func(bool, []string) { done() })
	purge(id, unsafe.StringData(instance), int32(len(instance)), unsafe.StringData(user), int32(len(user)))
}

func (t *table) add(done func(bool, []string)) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.waiting[int64(t.last)] = done
	return t.last
}

func (t *table) remove(id int32) func(bool, []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.waiting[int64(id)]
	delete(t.waiting, int64(id))
	return done
}

// take reads the texts in the buffer, a JSON array.
func (t *table) take() []string {
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
func tell(name *byte, nameLength int32, text *byte, textLength int32)

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
func grow(length int32) unsafe.Pointer {
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
func heard() {
	if texts := calls.take(); len(texts) == 2 {
		calls.told(texts[0], texts[1])
	}
}
