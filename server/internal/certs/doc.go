// Package certs provides the certificates of the gateway's TLS listener. They come
// from a Pair of files, which is read again when it changes, or from an Authority
// that speaks ACME (RFC 8555) for a list of hosts.
//
// A certificate stays active until there is a better one. A broken or expired pair
// of files and an authority that does not answer are logged and change nothing.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"

	"golang.org/x/crypto/acme"
)

// Config returns how the gateway speaks TLS: version 1.2 or later, with HTTP/2 for
// pages, and with ACME's challenge by TLS-ALPN (RFC 8737). certificate is the method
// of a Pair or an Authority.
func Config(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: certificate,
		NextProtos:     []string{"h2", "http/1.1", acme.ALPNProto},
	}
}

// warnBefore returns how long before a certificate expires the log warns of that. A
// renewal is late by then: usually it happens after two thirds of the lifetime.
func warnBefore(leaf *x509.Certificate) time.Duration {
	const most = 14 * 24 * time.Hour
	return min(leaf.NotAfter.Sub(leaf.NotBefore)/6, most)
}

// expiryReminder warns once a day that a certificate expires soon.
type expiryReminder struct{ last time.Time }

// warnIfDue logs the warning, with more attributes, if it is time to.
func (r *expiryReminder) warnIfDue(log *slog.Logger, leaf *x509.Certificate, more ...any) {
	now := time.Now()
	if leaf.NotAfter.Sub(now) > warnBefore(leaf) || now.Sub(r.last) < 24*time.Hour {
		return
	}
	r.last = now
	log.Warn("the TLS certificate ends soon and was not renewed",
		append([]any{"names", leaf.DNSNames, "ends", leaf.NotAfter}, more...)...)
}
