package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say what to examine.
type Options struct {
	URL      string         // the gateway's public URL; also ws, wss, and with /ws at its end
	Token    string         // a gateway token, API key or device credential to check, or empty
	Origin   string         // of another site's pages that should be allowed, or empty
	Roots    *x509.CertPool // certificate authorities to trust; nil: those of the system
	Resolver *net.Resolver  // nil: that of the system

	timeout time.Duration // of a single step; 0: stepTimeout
}

const (
	stepTimeout = 10 * time.Second
	allTimeout  = 2 * time.Minute // plus one step that withdraws the pairing request
)

// Examine runs all checks. A check that cannot run because an earlier one failed has a
// line that says so. Each step times out after 10 s, the whole examination after about
// 2 minutes.
func Examine(ctx context.Context, o Options) Report {
	ctx, cancel := context.WithTimeout(ctx, allTimeout)
	defer cancel()
	return examine(ctx, o, false)
}

// examine is Examine. redirected says that plain HTTP was redirected to o.URL.
func examine(ctx context.Context, o Options, redirected bool) Report {
	x := &examination{Options: o, ctx: ctx, redirected: redirected}
	x.timeout = cmp.Or(o.timeout, stepTimeout)
	x.result.URL = x.withoutToken(o.URL)
	steps := []struct {
		check string
		run   func() bool // false: the later checks cannot run
	}{
		{"address", x.address}, {"name", x.name}, {"connection", x.connection},
		{"tls", x.tls}, {"health", x.health}, {"ready", x.ready}, {"upgrade", x.upgrade},
		{"origin", x.origin}, {"pairing", x.pairing}, {"credential", x.credential},
		{"round trip", x.roundTrip},
	}
	for i, step := range steps {
		if step.run() {
			continue
		}
		if x.redirectURL != "" { // there is no socket to close and no cookie to withdraw yet
			o.URL = x.redirectURL
			followed := examine(ctx, o, true)
			return Report{URL: x.result.URL, Lines: append(x.result.Lines, followed.Lines...)}
		}
		for _, skipped := range steps[i+1:] {
			x.report(skipped.check, Skipped, "not tried, since "+step.check+" failed")
		}
		break
	}
	x.end()
	return x.result
}

// examination is the state of one run of all checks.
type examination struct {
	Options
	ctx         context.Context
	result      Report
	url         *url.URL
	redirected  bool         // plain HTTP was redirected to url
	addresses   []string     // of the host
	reached     string       // the first address that answered, with the port
	redirectURL string       // where plain HTTP is redirected to, or empty
	hostFault   bool         // the gateway's pages are refused for host or port …
	schemeFault bool         // … or for the scheme
	socket      *socket      // the open WebSocket, or nil
	cookie      *http.Cookie // the cookie that a browser would have now, or nil
}

// report adds a line.
func (x *examination) report(check string, s Status, message string, fixes ...Fix) {
	x.result.Lines = append(x.result.Lines,
		Line{Check: check, Status: s, Message: x.withoutToken(message), Fixes: fixes})
}

// withoutToken returns text without the token, which servers may send back.
func (x *examination) withoutToken(s string) string {
	if x.Token == "" {
		return s
	}
	return strings.ReplaceAll(s, x.Token, "(the token)")
}

// end withdraws the pairing request, even if the context has ended, and closes the
// WebSocket.
func (x *examination) end() {
	x.ctx = context.WithoutCancel(x.ctx)
	x.withdraw()
	if x.socket != nil {
		_ = x.socket.ws.Close()
	}
}

// stepContext returns the context of a single step.
func (x *examination) stepContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.ctx, x.timeout)
}

// address parses the URL.
func (x *examination) address() bool {
	u, err := ParseURL(x.URL)
	var wrong *AddressError
	switch {
	case errors.As(err, &wrong):
		x.report("address", Fail, wrong.Given+" "+wrong.Problem,
			fixes(you, "gatehouse doctor "+wrong.Proposal)...)
		return false
	}
	x.url = u
	x.result.URL = x.url.String()
	return true
}

// port returns the port of the URL, or the default one.
func (x *examination) port() string {
	if p := x.url.Port(); p != "" {
		return p
	}
	if x.url.Scheme == "https" {
		return "443"
	}
	return "80"
}

// dial connects to the address that has answered, with TLS if the URL is https.
func (x *examination) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := &net.Dialer{Timeout: x.timeout}
	if x.url.Scheme == "http" {
		return d.DialContext(ctx, "tcp", x.reached)
	}
	return (&tls.Dialer{NetDialer: d, Config: x.tlsConfig()}).DialContext(ctx, "tcp", x.reached)
}

func (x *examination) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: x.Roots, ServerName: x.url.Hostname(), MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}}
}
