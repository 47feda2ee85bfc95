// Package proxy tests the gateway behind nginx, Caddy and HAProxy, with the
// configurations that the manual prints, and behind stand-ins for Traefik and for a proxy
// that sends Forwarded (RFC 7239). Only addresses and certificate files are replaced.
package proxy
