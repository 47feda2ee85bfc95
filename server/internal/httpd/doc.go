// Package httpd is the gateway's HTTP side: routes, cookies, headers, pages and assets.
//
// For each request it finds out:
//
//   - the client's address (peer.go). Headers of proxies count only if the proxy is one of
//     gateway.trusted_proxies.
//   - the origin of the page that made the request (origin.go), and whether a page of that
//     origin may make it.
//   - who makes it: programs send a token or API key as bearer (credential.go), browsers a
//     cookie with the credential of their device (cookie.go). Package access checks both.
//
// WebSockets go to package gateway once their origin is checked (websocket.go). A page is
// rendered here by package page, from a model that its handler fills; its client then
// takes the page over.
//
// A handler is in the file that is named like it. What httpd needs of other packages, it
// declares as small interfaces (needs.go); package app joins the parts. [ConnLimiter]
// (connlimiter.go) limits the connections that are not WebSockets, or not yet.
package httpd
