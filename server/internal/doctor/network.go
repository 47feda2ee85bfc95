package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// name resolves the host.
func (x *examination) name() bool {
	host := x.url.Hostname()
	if net.ParseIP(host) != nil {
		x.addresses = []string{host}
		x.report("name", OK, host+" is an IP address")
		return true
	}
	ctx, cancel := x.stepContext()
	defer cancel()
	resolver := x.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupHost(ctx, host)
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		x.report("name", Fail, "there is no host "+host, fixName(host)...)
		return false
	case err != nil:
		x.report("name", Fail, "the name server does not answer for "+host+": "+quoted(err.Error()),
			fixes(you, "check this machine's network and its DNS settings")...)
		return false
	}
	x.addresses = found
	x.report("name", OK, host+" is "+strings.Join(found, ", "))
	return true
}

// attempt is the result of connecting to one of the host's addresses.
type attempt struct {
	address string
	took    time.Duration
	err     error
}

// connection connects to every address of the host.
func (x *examination) connection() bool {
	attempts := make([]attempt, len(x.addresses))
	var all sync.WaitGroup
	for i, address := range x.addresses {
		all.Go(func() { attempts[i] = x.attempt(address) })
	}
	all.Wait()
	i := slices.IndexFunc(attempts, func(a attempt) bool { return a.err == nil })
	if i < 0 {
		fixes := fixPort(x.port())
		if errors.Is(attempts[0].err, syscall.ECONNREFUSED) {
			fixes = fixNobody(x.url.Hostname(), x.port())
		}
		x.report("connection", Fail, "port "+x.port()+": "+x.dialProblem(attempts[0].err), fixes...)
		return false
	}
	x.reached = net.JoinHostPort(attempts[i].address, x.port())
	for _, a := range attempts {
		// Clients try both addresses of localhost, and a refusal there costs no time.
		if a.err != nil && x.url.Hostname() != "localhost" {
			x.report("connection", Warn, fmt.Sprintf(
				"%s answers, %s does not: %s; some users will wait, or cannot connect",
				x.reached, a.address, x.dialProblem(a.err)),
				fixes(you, "let the gateway listen there too, "+
					"or remove that address from the DNS records")...)
			return true
		}
	}
	x.report("connection", OK, fmt.Sprintf("%s answers within %s", x.reached,
		attempts[i].took.Round(100*time.Microsecond)))
	return true
}

func (x *examination) attempt(address string) attempt {
	ctx, cancel := x.stepContext()
	defer cancel()
	began := time.Now()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, x.port()))
	if err == nil {
		err = c.Close()
	}
	return attempt{address, time.Since(began), err}
}

// dialProblem says in a few words why a connection failed.
func (x *examination) dialProblem(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there (connection refused): the gateway does not run, " +
			"or listens elsewhere"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer within " + x.timeout.String() + "; usually a firewall"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "this machine has no route to it"
	}
	return quoted(err.Error())
}

// tls makes a TLS handshake and checks the certificate.
func (x *examination) tls() bool {
	host := x.url.Hostname()
	if x.url.Scheme == "http" {
		return x.withoutTLS(host)
	}
	ctx, cancel := x.stepContext()
	defer cancel()
	c, err := x.dial(ctx, "", "")
	if err != nil {
		message, fixes := x.handshakeProblem(err)
		x.report("tls", Fail, message, fixes...)
		return false
	}
	defer func() { _ = c.Close() }()
	state := c.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	message := fmt.Sprintf("%s, certificate by %s until %s",
		tls.VersionName(state.Version), quoted(issuer(leaf)), leaf.NotAfter.Format(time.DateOnly))
	// As late as the gateway itself warns, when a renewal is overdue.
	if soon := min(14*24*time.Hour, leaf.NotAfter.Sub(leaf.NotBefore)/6); left < soon {
		x.report("tls", Warn,
			fmt.Sprintf("%s, which is in %s, and it was not renewed", message,
				left.Round(time.Hour)),
			fixes(you, "find out why the renewal failed: see the log of the gateway "+
				"(tls.acme_hosts), of certbot or of Caddy")...)
		return true
	}
	x.report("tls", OK, message)
	return true
}

// withoutTLS reports what plain HTTP means for the host.
func (x *examination) withoutTLS(host string) bool {
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		x.report("tls", OK, "not used, and not needed on the same machine")
		return true
	}
	x.report("tls", Warn, "not used: everybody on the way can read the messages, "+
		"and browsers do not allow notifications and the clipboard", fixCertificate(host)...)
	return true
}

// issuer returns the name of the certificate's issuer.
func issuer(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	return c.Issuer.CommonName
}

// handshakeProblem says why a TLS handshake failed, and what to do.
func (x *examination) handshakeProblem(err error) (string, []Fix) {
	host := x.url.Hostname()
	var (
		invalid   x509.CertificateInvalidError
		otherName x509.HostnameError
		unknown   x509.UnknownAuthorityError
		record    tls.RecordHeaderError
		ended     *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return "the certificate is not valid before " +
				invalid.Cert.NotBefore.Format(time.RFC3339) +
				", or this machine's clock is slow", fixClock()
		}
		return "the certificate expired on " +
			invalid.Cert.NotAfter.Format(time.RFC3339), fixCertificate(host)
	case errors.As(err, &otherName):
		names := otherName.Certificate.DNSNames
		for _, ip := range otherName.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return "the certificate is for " + quoted(strings.Join(names, ", ")) + ", not for " +
			host, fixCertificate(host)
	case errors.As(err, &unknown) && unknown.Cert != nil &&
		bytes.Equal(unknown.Cert.RawIssuer, unknown.Cert.RawSubject):
		return "the certificate is self-signed, and browsers reject it", fixUnknownAuthority(host)
	case errors.As(err, &unknown):
		return "the certificate is not from an authority that this machine trusts, " +
				"or its chain is incomplete",
			fixUnknownAuthority(host)
	case errors.As(err, &record):
		return "the server at this port does not speak TLS", fixNoTLS(host, (&url.URL{Scheme: "http", Host: x.url.Host, Path: x.url.Path}).String())
	case errors.As(err, &ended) && ended.Op == "remote error":
		return "the server refuses the handshake: " + quoted(ended.Err.Error()) +
				"; it may have no certificate for " + host + " yet: the gateway's log says why",
			fixCertificate(host)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return "the server closes the connection without an answer: " +
				"it may take no more connections now, or not serve " + host,
			append(fixFull(), fixCertificate(host)...)
	}
	return "the handshake fails: " + quoted(err.Error()), fixCertificate(host)
}
