// Package gateway speaks the protocol: it decodes the frames of WebSockets, checks what
// their senders may do, and hands the requests to the domain.
//
// Terms:
//
//   - client: the gateway's side of one connection. The connection's reader goroutine
//     handles its frames, one after the other.
//   - call: one request on its way to its answer. A call is answered exactly once; some
//     methods answer later, from another goroutine.
//   - method: a row of the method table (method.go): its name, the least role that it
//     needs, its params and its handler.
//   - stranger: a client that has not authenticated. It may call connect, and ask how its
//     pairing stands.
//   - member: an authenticated client, to the hub, which sends it the events of its
//     sessions.
//   - [Live]: the settings that may change while the gateway serves. A call sees the
//     settings of one moment.
//
// Who a client is, and how often strangers may try, is decided by package access. The
// connections themselves, how many there may be and which ones to close, are kept by
// package registry: a client that authenticates is registered first, and its credential
// is checked once more after that, so that no revocation can miss it.
//
// The files build on each other, and calls between them run down this list:
//
//	gateway.go                       the parts, Serve, maintenance, Shutdown
//	client.go                        frames of one connection
//	method.go                        the method table, and the checks before a handler
//	connect.go, pairing.go           authentication
//	devices.go, keys.go, system.go,
//	clients.go, sessions.go, chat.go,
//	replay.go, auditlist.go, …       handlers
//	audited.go                       what the audit log tells of a call
//	call.go                          params and answers
//	param.go, clientname.go          what a param must be
//	drain.go, refusal.go, live.go    what a client is told of failures; settings
package gateway
