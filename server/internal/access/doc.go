// Package access decides who may come in. It finds out whose credential a caller has,
// limits how often strangers may try, and counts, logs and audits whoever is refused. The
// WebSocket (package gateway) and HTTP (package httpd) both ask the same [Control].
//
// Terms:
//
//   - credential: what proves who a caller is. There are four: the gateway token, an API
//     key, a device's credential (made by pairing) and the code of a sign-in link.
//   - [Identity]: the user and role that a credential stands for, and how lists and the
//     audit log name the credential.
//   - bearer: a gateway token or an API key, in an Authorization header or in connect.
//   - stranger: a caller without an identity. Strangers have allowances by network, see
//     ratelimit.Network: of calls, of status polls and of wrong credentials.
//   - [Peer]: what the HTTP side found out about whoever asks for a WebSocket.
//
// What a role may do is protocol.Role; the least role of each method stands in the method
// table of package gateway.
package access
