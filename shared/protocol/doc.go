// Package protocol is the wire contract of Gatehouse as Go types: GoClaw
// gateway protocol v3 over one WebSocket, JSON text frames, three frame types.
//
// Additions to v3 are optional fields and methods; a client that knows only v3
// ignores them. The codecs (codec.go) are generated from the struct tags and
// use no reflection; the types also work with encoding/json.
package protocol

//go:generate go run ./gencodec -out codec.go

// Version is the protocol's version, the value of connect's protocol field.
const Version = 3
