// Package doctor examines, from a client's side, whether a gateway can be
// reached and used: name, connection, TLS, clock, health, the proxy in between,
// origin, pairing, credential and round trip. What is wrong comes with the lines
// of configuration that mend it.
//
// It asks what a browser would ask and leaves nothing behind: a pairing that it
// asks for is taken back.
package doctor
