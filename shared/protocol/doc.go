// Package protocol is the wire contract of Gatehouse as Go types: GoClaw gateway
// protocol v3, over one WebSocket with JSON text frames.
//
// The words used here:
//
//	frame     a message on the WebSocket: a request, a response or an event
//	session   a chat of one user with one agent
//	log       the events of a session, numbered by seq: 1, 2, 3 …
//	epoch     the name of a log; resetting a session begins a new one
//	run       the agent's work on one answer
//	cursor    how far a client has read a session's log
//	pairing   the request of a new browser or program that an admin approves or denies
//	device    a browser or program that a pairing let in
//
// Own in params refuses the call with FORBIDDEN if it would change what belongs to another
// user, which admins may otherwise do. OwnerID in results is the owner of the session, if
// that is not the caller's user.
//
// Additions to v3 are optional fields and methods, which clients that know only v3
// ignore. The codecs (codec.go) are generated from the struct tags and use no
// reflection; the types also work with encoding/json.
package protocol

//go:generate go run ./gencodec -out codec.go

// Version is the protocol's version, the value of connect's protocol field.
const Version = 3
