// Package auth holds what lets programs and admins in, the gateway token,
// sign-in links and API keys, and what keeps strangers from trying too often.
//
// What a role may do is protocol.Role; the credentials of devices are in package
// pairing.
package auth
