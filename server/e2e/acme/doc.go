// Package acme tests the gateway's certificates against Pebble, the ACME server with
// which Let's Encrypt tests clients.
package acme
