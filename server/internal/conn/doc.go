// Package conn serves WebSockets: it reads messages, writes frames without ever
// waiting for the peer, pings, and closes.
//
// The nouns:
//
//   - [Set]: all connections of a gateway, with the limits, buffers and the goroutine
//     for deadlines that they share.
//   - [Conn]: one connection. Its reader goroutine calls its [Handler].
//   - [Prepared]: a frame that is encoded once and sent to any number of connections.
//   - queue: frames that are not written yet. While the socket takes all frames at
//     once, there is no queue.
//   - drain: a goroutine that writes the queue when the socket is full.
//   - [Closing]: why a connection ended.
//
// An idle connection costs one goroutine, the reader, which waits for bytes on a
// shallow stack and holds no buffer while it waits. A connection has no writer
// goroutine, no timer and no queue until its socket is full.
//
// The package github.com/coder/websocket parses incoming frames (masks, fragments,
// control frames). That package does not check that text is valid UTF-8 (RFC 6455
// §8.1), and neither does this one: the decoder of the messages must check it.
package conn
