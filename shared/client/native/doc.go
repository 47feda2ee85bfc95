// Package native connects Go programs to a gateway: it implements package client's Transport
// over TCP with github.com/coder/websocket, and Dial returns a connected client. The example
// shows a whole chat.
//
// The browser's client must not link this package, which links net/http.
package native
