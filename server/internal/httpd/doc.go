// Package httpd is the gateway's HTTP side: routes, cookies, headers, pages and
// assets. It finds out who asks (address, origin, credential) and hands
// WebSockets to package gateway.
package httpd
