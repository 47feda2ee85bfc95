// Package registry knows the live connections of a gateway: how many there may be, which
// ones there are, and whose they are.
//
// A [Connection] goes through these states:
//
//   - reserved: Reserve has found room for it; its WebSocket is not open yet.
//   - pending: its WebSocket is open, and the client has not authenticated. Some pending
//     connections wait for a pairing: an admin decides.
//   - authenticated: Authenticate has made it a user's.
//
// A reserved connection counts as pending where room is concerned. When too many are
// pending, one of them may be displaced, that is closed for the sake of another.
//
// The registry finds connections by id, user, device, API key, network, browser cookie
// and the pairing that they wait for, without a search through all of them. It has no
// part in what they send and receive: package hub sends events to them, and conn.Set
// enforces their deadlines.
package registry
