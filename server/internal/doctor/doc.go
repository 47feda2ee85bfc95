// Package doctor checks from a client's side whether a gateway can be reached and
// used: name, connection, TLS, clock, health, the proxy in front of it, origin,
// pairing, credential and round trip. A problem is reported with lines of
// configuration that fix it.
//
// The doctor makes the requests that a browser would make, and leaves nothing behind:
// it withdraws the pairing that it has requested.
//
// Terms:
//
//   - examination: one run of all checks, in the order in which a client meets them.
//   - line: the result of one check.
//   - fix: what to change in the configuration of Gatehouse or of a proxy.
package doctor
