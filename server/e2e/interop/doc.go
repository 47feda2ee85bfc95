// Package interop tests that the clients that people use work with the gateway: browsers,
// Node's ws, Python's websockets, gorilla/websocket, coder/websocket and curl, each
// against the real binary. It also provokes each row of the troubleshooting page.
//
// These tests wait in real time: connections stay idle for 95 s, or are closed after 60
// s, all of them at once.
package interop
