// Package acme holds tests of the gateway's certificates against Pebble, the ACME
// server with which Let's Encrypt tests clients.
package acme
