// Package auth has the credentials of admins and programs: it generates, stores and
// checks them.
//
// Its nouns:
//
//   - The gateway token ([Token]) makes its holder an admin. It comes from the
//     configuration, or is generated and kept in a file of the data directory
//     ([LoadToken]).
//   - The fingerprint of the gateway token is stored with what depends on the token. When
//     the token changes, sign-ins with the old token end.
//   - A sign-in link carries a code that signs an admin in once, within ten minutes
//     ([Links]).
//   - An API key ([Key]) lets a program in, as one user and with one role, until the key
//     expires or is revoked ([Keys]).
//   - A [GeneratedKey] is an API key that is not stored yet.
//
// What a role may do is in protocol.Role. The credentials of devices are in package
// pairing, the form of all credentials is in package credential, and the limits on wrong
// guesses are in package access.
package auth
