// Package httpd is the gateway's HTTP side: routes, cookies, headers, pages and assets.
//
// It finds out who asks: the address (peer.go: a trusted proxy's word counts), the origin
// of the page that made the request, and the credential (caller.go), which package access
// checks. A browser's credential is a cookie; programs send a bearer. WebSockets go to the
// gateway once their origin was checked.
//
// What httpd needs of others it declares as small interfaces (needs.go); package app joins
// the parts. Bounds on connections that are not WebSockets, or not yet, are in sockets.go.
package httpd
