// Package pairing decides which browsers and programs may come in: it gives out
// codes, lets an admin approve, deny and revoke, and checks credentials. The
// rules are those of the protocol page, "Browser pairing".
//
// A device is one record from the moment it asks. Its credential is a secret of
// 256 bits of which only the SHA-256 is kept. Whenever a credential cannot be
// checked the answer is no.
package pairing
