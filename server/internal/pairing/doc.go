// Package pairing decides which browsers and programs may connect: it generates pairing
// codes, lets an admin approve, deny and revoke, and checks the credentials of devices.
// The rules are in the protocol page, "Browser pairing".
//
// Its nouns:
//
//   - A device is a browser or program with a credential of its own. It is one [Record]
//     from the moment of its request.
//   - A requester is a device that asks to be paired ([Requester]).
//   - A request is pending until an admin approves or denies the code that the device
//     shows, or until the request expires.
//   - A credential is a secret of 256 random bits. Only its SHA-256 is stored.
//   - A sign-in is a device that came in by the gateway token or a sign-in link, without
//     a request ([Service.SignIn]). It ends when the gateway token changes: its binding
//     is the fingerprint of the token.
//   - A network is the part of an address by which requests are limited: the IPv4
//     address, or the /64 of an IPv6 address.
//   - To resolve a record is to change its status: approved, denied, expired or revoked.
//
// If a credential cannot be checked, for whatever reason, the device may not connect.
package pairing
