// Package conn is one WebSocket of the gateway: it reads messages, writes
// frames without ever waiting for the peer, pings, and closes.
//
// An idle connection costs one goroutine, the reader, which waits for bytes on
// a shallow stack and holds no buffer while it waits. There is no writer
// goroutine, no timer and no queue until the peer's socket is full. Time is
// kept for all connections by one goroutine, their [Set]'s.
//
// Incoming frames (masks, fragments, control frames) are parsed by
// github.com/coder/websocket. Outgoing ones are [Prepared] once and written as
// they are. The library does not check that text is valid UTF-8 (RFC 6455
// §8.1), and neither does this package: that is left to the message decoder.
package conn
