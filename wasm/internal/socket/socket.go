//go:build js

// Package socket is the client's Transport in a browser: the page's WebSocket,
// reached through functions that web/static/js/boot.js lends (go:wasmimport) and
// calls (go:wasmexport). A frame crosses with one copy and no reflection.
//
// The exports run to their end before JavaScript goes on, so nothing that they
// call may block: they hand frames to the client's callbacks directly.
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

// maxReason is how long the reason of a close may be, in bytes (RFC 6455 §5.5),
// less what replacing a character that was cut in two may add.
const maxReason = 123 - 3

// sockets are those that have not ended. The exports, which belong to no value,
// find theirs here; it is all the state that this package has.
var sockets = socketTable{open: map[int32]client.SocketHandler{}}

type socketTable struct {
	mu     sync.Mutex
	lastID int32
	open   map[int32]client.SocketHandler
	buffer []byte // that JavaScript is filling
}

// Dial begins to open a socket.
func (t Transport) Dial(h client.SocketHandler) client.Socket {
	sockets.mu.Lock()
	sockets.lastID++
	id := sockets.lastID
	sockets.open[id] = h
	sockets.mu.Unlock()
	openSocket(id, unsafe.StringData(t.URL), int32(len(t.URL)))
	return conn(id)
}

// conn is one WebSocket, by its number.
type conn int32

// Send queues a text message.
func (c conn) Send(data []byte) {
	send(int32(c), unsafe.SliceData(data), int32(len(data)))
}

// Close ends the connection; a reason that is too long is cut.
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

func (t *socketTable) take() []byte {
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

// grow gives the memory that JavaScript copies the next text into.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_buffer
func allocBuffer(length int32) unsafe.Pointer {
	sockets.mu.Lock()
	defer sockets.mu.Unlock()
	sockets.buffer = make([]byte, length)
	return unsafe.Pointer(unsafe.SliceData(sockets.buffer))
}

// opened tells that a socket is open.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_opened
func opened(id int32) {
	if h := sockets.handler(id); h != nil {
		h.Opened()
	}
}

// frame hands over the message in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_frame
func frame(id int32) {
	data := sockets.take()
	if h := sockets.handler(id); h != nil {
		h.Message(data)
	}
}

// closed tells that a socket has ended; the reason is in the buffer.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport socket_closed
func closed(id, code int32) {
	reason := sockets.take()
	if h := sockets.remove(id); h != nil {
		h.Closed(int(code), string(reason))
	}
}
