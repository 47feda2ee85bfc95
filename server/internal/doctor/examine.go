package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say what to examine.
type Options struct {
	URL    string // of the gateway's root; ws, wss and a trailing /ws are understood
	Token  string // gateway token, API key or device credential to try; empty: none
	Origin string // of a page elsewhere that is to be allowed; empty: none
	// Roots are the authorities to believe; nil: those of the system.
	Roots *x509.CertPool
	// Resolver looks names up; nil: the system's.
	Resolver *net.Resolver

	patience time.Duration // with a single step; 0: stepTimeout
}

// Bounds of what is waited for.
const (
	stepTimeout = 10 * time.Second
	allTimeout  = 2 * time.Minute // and a step more, to take a pairing back
)

// Examine goes through all checks. What cannot be tried because of what failed
// before has a line that says so.
func Examine(ctx context.Context, o Options) Report {
	ctx, cancel := context.WithTimeout(ctx, allTimeout)
	defer cancel()
	return examine(ctx, o, false)
}

// examine is Examine; moved says that plain HTTP has led here.
func examine(ctx context.Context, o Options, moved bool) Report {
	x := &examination{Options: o, ctx: ctx, moved: moved}
	x.patience = cmp.Or(o.patience, stepTimeout)
	x.report.URL = x.safe(o.URL)
	steps := []struct {
		checks string
		do     func() bool // false: there is no use in going on
	}{
		{"address", x.address}, {"name", x.name}, {"connection", x.connection}, {"tls", x.tls}, {"health", x.health},
		{"ready", x.ready}, {"upgrade", x.upgrade}, {"origin", x.origin}, {"pairing", x.pairing}, {"credential", x.credential},
		{"round trip", x.roundTrip},
	}
	for i, step := range steps {
		if step.do() {
			continue
		}
		if x.elsewhere != "" { // and nothing is to be ended yet
			o.URL = x.elsewhere
			there := examine(ctx, o, true)
			return Report{URL: x.report.URL, Lines: append(x.report.Lines, there.Lines...)}
		}
		for _, left := range steps[i+1:] {
			x.say(left.checks, Skipped, "not tried, since "+step.checks+" failed")
		}
		break
	}
	x.end()
	return x.report
}

// examination is one that goes on.
type examination struct {
	Options
	ctx       context.Context
	report    Report
	url       *url.URL
	moved     bool
	addresses []string     // that the name stands for
	reached   string       // the address and port that answers
	elsewhere string       // where the gateway sends those who come by plain HTTP
	socket    *socket      // an open one; nil: none
	cookie    *http.Cookie // of the browser that the doctor plays; nil: none
}

func (x *examination) say(check string, s Status, says string, mend ...Mend) {
	x.report.Lines = append(x.report.Lines, Line{Check: check, Status: s, Says: x.safe(says), Mend: mend})
}

// safe is text without the token: what answers may send it back.
func (x *examination) safe(s string) string {
	if x.Token == "" {
		return s
	}
	return strings.ReplaceAll(s, x.Token, "(the token)")
}

func (x *examination) end() {
	x.ctx = context.WithoutCancel(x.ctx) // a pairing is taken back, whatever has ended
	x.withdraw()
	if x.socket != nil {
		_ = x.socket.ws.Close()
	}
}

// step bounds a single step.
func (x *examination) step() (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.ctx, x.patience)
}

// address reads the URL.
func (x *examination) address() bool {
	u, err := url.Parse(strings.TrimSpace(x.URL))
	if err != nil || u.Host == "" || u.Hostname() == "" {
		x.say("address", Fail, fmt.Sprintf("%q is no URL", quoted(x.URL)), mendAddress()...)
		return false
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		x.say("address", Fail, "the URL has to be http://host or https://host, with a port if it is not the usual one, and nothing else", mendAddress()...)
		return false
	}
	if path := strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/ws"); path != "" {
		x.say("address", Fail, "Gatehouse stands at the root of its host, not under "+quoted(path), mendRoute()...)
		return false
	}
	x.url = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	x.report.URL = x.url.String()
	return true
}

func (x *examination) port() string {
	if p := x.url.Port(); p != "" {
		return p
	}
	if x.url.Scheme == "https" {
		return "443"
	}
	return "80"
}

// dial connects to the address that answered, with TLS where the URL has it.
func (x *examination) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := &net.Dialer{Timeout: x.patience}
	if x.url.Scheme == "http" {
		return d.DialContext(ctx, "tcp", x.reached)
	}
	return (&tls.Dialer{NetDialer: d, Config: x.trust()}).DialContext(ctx, "tcp", x.reached)
}

func (x *examination) trust() *tls.Config {
	return &tls.Config{RootCAs: x.Roots, ServerName: x.url.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}
