// Package gateway speaks the protocol: it decodes the frames of WebSockets, checks what
// their senders may do, and hands the requests to the domain.
//
// Terms:
//
//   - client: the gateway's side of one connection. The connection's reader goroutine
//     handles its frames, one after the other.
//   - call: one request on its way to its answer. A call is answered exactly once; some
//     methods answer later, from another goroutine.
//   - method: a row of the method table (methods.go): its name, the least role that it
//     needs, how it finds its session, how it is audited, and its code. A call of a
//     method is prepared, then audited, then executed.
//   - stranger: a client that has not authenticated. It may only call connect and
//     browser.pairing.status.
//   - member: an authenticated client as the hub knows it. The hub sends a member the
//     events of its sessions.
//   - [Settings]: the settings that may change while the gateway serves. A call sees the
//     settings of one moment.
//
// Package access decides who a client is, and how often strangers may try. Package
// registry keeps the connections, limits their number and finds those to close. A client
// that authenticates is registered first, and its credential is checked once more after
// that, so that no revocation can miss the connection.
//
// The files build on each other, and calls between them run down this list:
//
//	gateway.go                       the parts, Serve, maintenance, Shutdown
//	client.go                        frames of one connection
//	method.go                        what a row is, and the checks before a call
//	methods.go, reference.go         the method table, and its form in the manual
//	connect.go, pairing.go           authentication
//	chat_send.go, api_keys.go, …     a method or a group of methods each
//	queued.go, framed.go             answers that several methods give
//	pairing_events.go                events of pairings
//	audited.go                       entries of the audit log
//	call.go                          params and answers
//	param.go, clientname.go          what a param must be
//	drain.go, refusal.go             errors for the client
//	settings.go                      the settings that may change
package gateway
