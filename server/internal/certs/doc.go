// Package certs gives the gateway's listener its certificates: from a pair of
// files that is read again when it changes, or from an authority that speaks
// ACME (RFC 8555) for named hosts.
//
// What is in use stays in use until something better is there: a broken pair,
// an expired one and an authority that does not answer are logged and change
// nothing.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"

	"golang.org/x/crypto/acme"
)

// Config is how the gateway speaks TLS: 1.2 or later, with the certificates
// that get gives, HTTP/2 for pages, and ACME's challenge (RFC 8737).
func Config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     []string{"h2", "http/1.1", acme.ALPNProto},
	}
}

// warnBefore is how long before a certificate's end the log begins to say so:
// what renews at two thirds of a life, as is the custom, is then late.
func warnBefore(leaf *x509.Certificate) time.Duration {
	const most = 14 * 24 * time.Hour
	return min(leaf.NotAfter.Sub(leaf.NotBefore)/6, most)
}

// reminder says once a day that a certificate ends soon, with what more is known.
type reminder struct{ last time.Time }

func (r *reminder) look(log *slog.Logger, leaf *x509.Certificate, more ...any) {
	now := time.Now()
	if leaf.NotAfter.Sub(now) > warnBefore(leaf) || now.Sub(r.last) < 24*time.Hour {
		return
	}
	r.last = now
	log.Warn("the TLS certificate ends soon and was not renewed", append([]any{"names", leaf.DNSNames, "ends", leaf.NotAfter}, more...)...)
}
