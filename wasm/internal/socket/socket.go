//go:build js

// Package socket implements client.Transport in a real browser, with the page's
// WebSocket. It calls functions that web/static/js/boot.js provides (go:wasmimport), and
// boot.js calls its exports (go:wasmexport). A frame is copied once on its way.
//
// JavaScript waits for an export to return, and exports call the client's callbacks
// directly, so these must not block.
package socket

import (
	"sync"
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/client"
)

// Transport opens WebSockets to one address. The browser adds its cookies and
// the page's origin by itself.
type Transport struct {
	URL string // ws:// or wss://
}

// maxReason is the longest reason of a close, in bytes. RFC 6455 §5.5 allows 123. If the
// cut splits a character, U+FFFD replaces the rest of it, which takes up to 3.
const maxReason = 123 - 3

// sockets are the sockets that are not closed. This state is global, since exports cannot
// be methods. The package has no other state.
var sockets = socketTable{open: map[int32]client.SocketHandler{}}

type socketTable struct {
	// mu guards the following fields.
	mu     sync.Mutex
	lastID int32
	open   map[int32]client.SocketHandler
	buffer []byte // JavaScript copies the next text into it
}

// Dial starts to open a WebSocket.
func (t Transport) Dial(h client.SocketHandler) client.Socket {
	sockets.mu.Lock()
	sockets.lastID++
	id := sockets.lastID
	sockets.open[id] = h
	sockets.mu.Unlock()
	openSocket(id, unsafe.StringData(t.URL), int32(len(t.URL)))
	return conn(id)
}

// conn is one WebSocket, by its id.
type conn int32

// Send queues a text message.
func (c conn) Send(data []byte) {
	send(int32(c), unsafe.SliceData(data), int32(len(data)))
}

// Close closes the connection. A reason that is too long is cut.
func (c conn) Close(code int, reason string) {
	reason = reason[:min(len(reason), maxReason)]
	closeSocket(int32(c), int32(code), unsafe.StringData(reason), int32(len(reason)))
}

func (t *socketTable) handler(id int32) client.SocketHandler {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[id]
}

func (t *socketTable) remove(id int32) client.SocketHandler {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.open[id]
	delete(t.open, id)
	return h
}

// takeBuffer empties the buffer and returns its content.
func (t *socketTable) takeBuffer() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buffer
	t.buffer = nil
	return b
}

//go:wasmimport gatehouse socket_open
func openSocket(id int32, url *byte, length int32)

//go:wasmimport gatehouse socket_send
func send(id int32, data *byte, length int32)

//go:wasmimport gatehouse socket_close
func closeSocket(id, code int32, reason *byte, length int32)

// allocBuffer returns memory that JavaScript copies the next text into.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_buffer
func allocBuffer(length int32) unsafe.Pointer {
	sockets.mu.Lock()
	defer sockets.mu.Unlock()
	sockets.buffer = make([]byte, length)
	return unsafe.Pointer(unsafe.SliceData(sockets.buffer))
}

// opened is called when a socket is open.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_opened
func opened(id int32) {
	if h := sockets.handler(id); h != nil {
		h.Opened()
	}
}

// frame is called with a message, which is in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_frame
func frame(id int32) {
	data := sockets.takeBuffer()
	if h := sockets.handler(id); h != nil {
		h.Message(data)
	}
}

// closed is called when a socket is closed; the reason is in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_closed
func closed(id, code int32) {
	reason := sockets.takeBuffer()
	if h := sockets.remove(id); h != nil {
		h.Closed(int(code), string(reason))
	}
}
