// Package interop tests that the clients people really use work with the
// gateway: browsers, Node's ws, Python's websockets, gorilla/websocket,
// coder/websocket and curl, each against the real binary. And it provokes each
// row of the troubleshooting page.
//
// Time is real here: connections are idle for 95 s and dropped after 60, all of
// them at once.
package interop
