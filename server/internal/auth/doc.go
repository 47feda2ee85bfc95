// Package auth holds what proves an admin, a gateway token or a sign-in link,
// and what keeps strangers from trying too often.
//
// What a role may do is protocol.Role; the credentials of devices are in package
// pairing.
package auth
