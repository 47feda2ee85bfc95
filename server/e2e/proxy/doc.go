// Package proxy tests the gateway behind nginx, Caddy and HAProxy, with the
// configurations that the manual prints. Only addresses and certificate files are
// replaced.
package proxy
