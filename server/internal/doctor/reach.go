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
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// name looks the host up.
func (x *examination) name() bool {
	host := x.url.Hostname()
	if net.ParseIP(host) != nil {
		x.addresses = []string{host}
		x.say("name", OK, host+" is an address already")
		return true
	}
	ctx, cancel := x.step()
	defer cancel()
	resolver := x.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupHost(ctx, host)
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		x.say("name", Fail, "there is no host "+host, mendName(host)...)
		return false
	case err != nil:
		x.say("name", Fail, "the name server does not answer for "+host+": "+quoted(err.Error()),
			mends(you, "check the network of this machine, and its name server")...)
		return false
	}
	x.addresses = found
	x.say("name", OK, host+" is "+strings.Join(found, ", "))
	return true
}

// attempt is a connection to one of the host's addresses.
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
		all.Go(func() { attempts[i] = x.try(address) })
	}
	all.Wait()
	i := slices.IndexFunc(attempts, func(a attempt) bool { return a.err == nil })
	if i < 0 {
		x.say("connection", Fail, "port "+x.port()+": "+x.why(attempts[0].err), mendPort(x.port())...)
		return false
	}
	x.reached = net.JoinHostPort(attempts[i].address, x.port())
	for _, a := range attempts {
		if a.err != nil && x.url.Hostname() != "localhost" { // where everybody tries both, without a wait
			x.say("connection", Warn, fmt.Sprintf("%s answers, %s does not: %s; some people wait, or get nowhere",
				x.reached, a.address, x.why(a.err)), mends(you, "let the gateway listen there too, or take that address out of the name's records")...)
			return true
		}
	}
	x.say("connection", OK, fmt.Sprintf("%s answers within %s", x.reached, attempts[i].took.Round(100*time.Microsecond)))
	return true
}

func (x *examination) try(address string) attempt {
	ctx, cancel := x.step()
	defer cancel()
	began := time.Now()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, x.port()))
	if err == nil {
		err = c.Close()
	}
	return attempt{address, time.Since(began), err}
}

// why says why no connection came about.
func (x *examination) why(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there (connection refused)"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer within " + x.patience.String() + "; usually a firewall"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no way to it from here"
	}
	return quoted(err.Error())
}

// tls shakes hands and looks at the certificate.
func (x *examination) tls() bool {
	host := x.url.Hostname()
	if x.url.Scheme == "http" {
		return x.plain(host)
	}
	ctx, cancel := x.step()
	defer cancel()
	c, err := x.dial(ctx, "", "")
	if err != nil {
		says, mend := x.handshakeFault(err)
		x.say("tls", Fail, says, mend...)
		return false
	}
	defer func() { _ = c.Close() }()
	state := c.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	says := fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(state.Version), quoted(issuer(leaf)), leaf.NotAfter.Format(time.DateOnly))
	if soon := min(14*24*time.Hour, leaf.NotAfter.Sub(leaf.NotBefore)/6); left < soon {
		x.say("tls", Warn, fmt.Sprintf("%s, which is in %s, and it was not renewed", says, left.Round(time.Hour)),
			mends(you, "see why what renews it does not: the gateway's log (tls.acme_hosts), certbot, Caddy's log")...)
		return true
	}
	x.say("tls", OK, says)
	return true
}

// plain says what there is without TLS.
func (x *examination) plain(host string) bool {
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		x.say("tls", OK, "not used, and not needed on this machine itself")
		return true
	}
	x.say("tls", Warn, "not used: everybody on the way can read along, and browsers leave out notifications and the clipboard", mendCertificate(host)...)
	return true
}

func issuer(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	return c.Issuer.CommonName
}

// handshakeFault says what is wrong with the TLS of the other side.
func (x *examination) handshakeFault(err error) (string, []Mend) {
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
			return "the certificate begins only on " + invalid.Cert.NotBefore.Format(time.RFC3339) + ", or this machine's clock is slow", mendClock()
		}
		return "the certificate ended on " + invalid.Cert.NotAfter.Format(time.RFC3339), mendCertificate(host)
	case errors.As(err, &otherName):
		names := otherName.Certificate.DNSNames
		for _, ip := range otherName.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return "the certificate is for " + quoted(strings.Join(names, ", ")) + ", not for " + host, mendCertificate(host)
	case errors.As(err, &unknown) && unknown.Cert != nil && bytes.Equal(unknown.Cert.RawIssuer, unknown.Cert.RawSubject):
		return "the certificate was signed by itself alone, and no browser believes that", mendUnknownAuthority(host)
	case errors.As(err, &unknown):
		return "no authority that this machine believes stands behind the certificate, or the chain is not complete", mendUnknownAuthority(host)
	case errors.As(err, &record):
		return "what answers at this port does not speak TLS", mendPlainText(host)
	case errors.As(err, &ended) && ended.Op == "remote error":
		return "the other side ends the handshake: " + quoted(ended.Err.Error()) + "; it may have no certificate for " + host + " yet: the gateway's log says why", mendCertificate(host)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return "the other side hangs up without a word: it may take no more connections now, or not serve " + host, append(mendCrowd(), mendCertificate(host)...)
	}
	return "the handshake fails: " + quoted(err.Error()), mendCertificate(host)
}
