package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// TLS says where the gateway's certificate comes from: from a pair of files, or by
// ACME (RFC 8555) for a list of hosts. With neither, the gateway speaks plain HTTP.
type TLS struct {
	CertFile       string        // PEM, with its chain
	KeyFile        string        // PEM
	ACMEHosts      []string      // lower case; nil without ACME
	ACMEEmail      string        // may be empty
	ACMEDirectory  string        // normalised URL; set if there are hosts
	RedirectListen string        // as Gateway.Listen; empty: no redirect from plain HTTP
	HSTS           time.Duration // max-age of Strict-Transport-Security; 0: not sent
}

// On reports whether the gateway speaks TLS itself.
func (t TLS) On() bool { return t.CertFile != "" || len(t.ACMEHosts) > 0 }

// letsEncrypt is the default certificate authority.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

func tlsKeys() []key {
	return []key{
		newKey("tls.cert_file", filePath(), "",
			func(t target) *string { return &t.config.TLS.CertFile },
			"The certificate with its chain, PEM, for a gateway that speaks TLS itself. The file "+
				"is read again when it changes."),
		newKey("tls.key_file", filePath(), "",
			func(t target) *string { return &t.config.TLS.KeyFile },
			"The certificate's key, PEM; only its owner should be able to read it."),
		newKey("tls.acme_hosts", listOf(publicName()), nil,
			func(t target) *[]string { return &t.config.TLS.ACMEHosts },
			"The names for which the gateway gets and renews certificates itself, instead of "+
				"`tls.cert_file`. "+
				"Port 443 of each must reach `gateway.listen`, or port 80 `tls.redirect_listen`. "+
				"Setting this accepts the authority's terms of service."),
		newKey("tls.acme_email", emailAddress(), "",
			func(t target) *string { return &t.config.TLS.ACMEEmail },
			"Where the authority sends warnings about the certificates."),
		newKey("tls.acme_directory", secureURL(), "",
			func(t target) *string { return &t.config.TLS.ACMEDirectory },
			"The directory URL of the certificate authority.").describeDefault("Let's Encrypt: `" +
			letsEncrypt + "`"),
		newKey("tls.redirect_listen", listenAddress(), "",
			func(t target) *string { return &t.config.TLS.RedirectListen },
			"Where plain HTTP is redirected to HTTPS, usually `:80`."),
		newKey("tls.hsts", ageOrNever(time.Minute), 0,
			func(t target) *time.Duration { return &t.config.TLS.HSTS },
			"How long browsers must use HTTPS only, such as `\"365d\"`, also behind a proxy "+
				"that speaks TLS; "+
				"`\"0\"` is not at all. Browsers keep to it for that long even if this is "+
				"changed.").live(),
	}
}

var publicNameForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// publicName is a host name that a public certificate authority accepts.
func publicName() kind[string] {
	return textKind(`a host name such as "chat.example.com"`, func(s string) (string, string, bool) {
		name := asciiHost(s)
		switch _, err := netip.ParseAddr(s); {
		case strings.Contains(s, "*"):
			return "", "there are no patterns: list every name", false
		case err == nil:
			return "", "authorities certify names, not addresses; " +
				"for an address use tls.cert_file", false
		}
		return name, "", len(name) <= 253 && publicNameForm.MatchString(name)
	}, func(s string) string { return s })
}

var emailForm = regexp.MustCompile(`^[!-?A-~]{1,64}@[a-zA-Z0-9.-]{1,253}$`)

func emailAddress() kind[string] {
	return textWhere(`an e-mail address such as "you@example.com"`, emailForm.MatchString)
}

// secureURL is an https URL.
func secureURL() kind[string] {
	return urlKind(`an https URL, such as "`+letsEncrypt+`"`, func(s string) (string, string, bool) {
		v, advice, ok := parseHTTP(s)
		return v, advice, ok && strings.HasPrefix(v, "https://")
	})
}

// tlsRules adds the faults of TLS keys that contradict each other.
func (d *draft) tlsRules() {
	t := d.config.TLS
	if t.CertFile != "" && t.KeyFile == "" {
		d.require("tls.key_file", "is required with tls.cert_file: the file of its key")
	}
	if t.KeyFile != "" && t.CertFile == "" {
		d.require("tls.cert_file", "is required with tls.key_file: the file of its certificate")
	}
	if t.CertFile != "" && len(t.ACMEHosts) > 0 {
		d.tlsFault("tls.acme_hosts", "excludes tls.cert_file, which is given too; leave one out")
	}
	if len(t.ACMEHosts) == 0 && !d.faulted["tls.acme_hosts"] {
		if t.ACMEEmail != "" {
			d.tlsFault("tls.acme_email", "is of use with tls.acme_hosts alone; "+
				"leave it out, or give those")
		}
		if t.ACMEDirectory != "" {
			d.tlsFault("tls.acme_directory", "is of use with tls.acme_hosts alone; "+
				"leave it out, or give those")
		}
	}
	if t.RedirectListen != "" && !t.On() && !d.faulted["tls.acme_hosts"] &&
		!d.faulted["tls.cert_file"] {
		d.tlsFault("tls.redirect_listen", "needs a gateway that speaks TLS: give tls.cert_file "+
			"and tls.key_file, or tls.acme_hosts")
	}
	if t.On() && strings.HasPrefix(d.config.Gateway.PublicURL, "http://") {
		d.tlsFault("gateway.public_url", "must begin with https:// when the "+
			"gateway speaks TLS itself; got "+quote(d.config.Gateway.PublicURL))
	}
}

func (d *draft) tlsFault(path, problem string) { d.fault(d.locationOf(path), path, problem) }

// checkPair adds the faults of the certificate and key files.
func (l *loader) checkPair() {
	t := l.config.TLS
	if t.CertFile == "" || t.KeyFile == "" {
		return
	}
	cert, _ := l.pem("tls.cert_file", t.CertFile)
	key, mode := l.pem("tls.key_file", t.KeyFile)
	if cert == nil || key == nil {
		return
	}
	l.checkMode("tls.key_file", t.KeyFile, mode)
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		l.fault(l.locationOf("tls.cert_file"), "tls.cert_file", fmt.Sprintf(
			"%s and %s are no certificate and its key: %v", strconv.Quote(t.CertFile), strconv.Quote(t.KeyFile), err))
	}
}

// pem returns the content of a PEM file. If the file cannot be read or is empty, pem adds
// a fault and returns nil.
func (l *loader) pem(path, file string) (text []byte, mode uint32) {
	const most = 1 << 20
	data, perm, err := readAtMost(file, most)
	switch {
	case err != nil:
		l.fault(l.locationOf(path), path, fmt.Sprintf("must name a file that can be read: %s: %v",
			strconv.Quote(file), reason(err)))
		return nil, 0
	case len(data) == 0:
		l.fault(l.locationOf(path), path, fmt.Sprintf("must name a file that "+
			"holds PEM; %s is empty", strconv.Quote(file)))
		return nil, 0
	}
	return data, uint32(perm)
}
