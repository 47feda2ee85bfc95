// Package proxy tests the gateway behind real proxies, nginx, Caddy and HAProxy,
// with exactly the configurations that the manual prints: only addresses and the
// certificate's files are put in.
package proxy
