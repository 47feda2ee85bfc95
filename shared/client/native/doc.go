// Package native is Gatehouse for Go programs: package client's Transport over
// TCP, by way of github.com/coder/websocket, and Dial, which puts the two
// together. The example shows a whole chat.
//
// A browser's WebAssembly must not link this package: it brings net/http.
package native
