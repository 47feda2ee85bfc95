package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// userAgent names the doctor. The gateway sends no webhook about a pairing that a client
// of this name asks for.
const userAgent = "gatehouse-doctor"

// maxBody bounds how much of an answer is read, in bytes.
const maxBody = 64 << 10

// answer is the answer to an HTTP request.
type answer struct {
	*http.Response
	body []byte
	sent time.Time     // when the request was
	took time.Duration // until the answer's headers came
}

// request makes an HTTP request.
func (x *examination) request(method, path string, header http.Header) (answer, error) {
	ctx, cancel := x.stepContext()
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, x.url.String()+path, nil)
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", userAgent)
	transport := &http.Transport{
		DialContext: x.dial, DialTLSContext: x.dial, DisableKeepAlives: true,
		MaxResponseHeaderBytes: maxBody,
	}
	a := answer{sent: time.Now()}
	if a.Response, err = transport.RoundTrip(r); err != nil {
		return a, err
	}
	a.took = time.Since(a.sent)
	defer func() { _ = a.Body.Close() }()
	a.body, err = io.ReadAll(io.LimitReader(a.Body, maxBody))
	return a, err
}

// health checks that the server is a gateway, and compares the clocks.
func (x *examination) health() bool {
	a, err := x.request(http.MethodGet, "/health", nil)
	if err != nil {
		x.report("health", Fail, "no answer to GET /health: "+quoted(err.Error()), fixUpstream()...)
		return false
	}
	if to := x.redirectTarget(a); to != "" {
		x.redirectURL = to
		x.report("redirect", OK, "plain HTTP leads to "+to)
		return false
	}
	protocol, ok := a.gateway()
	switch {
	case !ok && x.isAtRoot():
		x.report("health", Fail, "no gateway answers under "+quoted(x.url.Path)+", but one does at "+
			"the root of the host", fixPath(x.ownOrigin(), x.url.Path)...)
		return false
	case !ok:
		message, fixes := x.explainAnswer(a.StatusCode, a.Header, a.body)
		x.report("health", Fail, "GET "+quoted(x.url.Path)+"/health: "+message, fixes...)
		return false
	case protocol != 0 && protocol != 3:
		x.report("health", Warn, fmt.Sprintf("a gateway answers, but speaks protocol %d, not 3",
			protocol))
	default:
		x.report("health", OK, "a gateway answers within "+
			a.took.Round(100*time.Microsecond).String())
	}
	x.clock(a)
	x.base()
	return true
}

// gateway reports whether an answer to GET /health is that of a gateway, and which protocol
// the gateway speaks, 0 if the answer does not say that.
func (a answer) gateway() (protocol int, ok bool) {
	var state struct {
		Status   string `json:"status"`
		Protocol int    `json:"protocol"`
	}
	ok = a.StatusCode == http.StatusOK && json.Unmarshal(a.body, &state) == nil && state.Status != ""
	return state.Protocol, ok
}

// isAtRoot reports whether the URL has a path, and a gateway answers without the path:
// people give the URL of a page, such as /login.
func (x *examination) isAtRoot() bool {
	path := x.url.Path
	if path == "" {
		return false
	}
	x.url.Path = ""
	defer func() { x.url.Path = path }()
	a, err := x.request(http.MethodGet, "/health", nil)
	if err != nil {
		return false
	}
	_, ok := a.gateway()
	return ok
}

// base checks that the gateway's pages link to the path under which they are reached. On
// its own machine a gateway can be reached without its path: its pages then lead to the
// path, and so do the later checks.
func (x *examination) base() {
	a, err := x.request(http.MethodGet, "/login", nil)
	if err != nil {
		a.body = nil
	}
	_, rest, found := strings.Cut(string(a.body), ` data-base="`)
	base, _, _ := strings.Cut(rest, `"`)
	switch {
	case x.url.Path == base && base == "":
	case !found:
		x.report("path", Skipped, "this gateway's pages do not say under which path they are")
	case x.url.Path == "":
		x.url.Path = base
		x.report("path", OK, "its pages are under "+quoted(base)+", where the next checks go on")
	case base != x.url.Path:
		there := "at the root of the host"
		if base != "" {
			there = "under " + quoted(base)
		}
		x.report("path", Fail, "the gateway takes itself to be "+there+": its pages, reached under "+
			quoted(x.url.Path)+", load and link to nothing there",
			fixes(gatehouse, `gateway: { public_url: "`+x.ownURL()+`" }`)...)
	default:
		x.report("path", OK, "pages link to addresses under "+quoted(base))
	}
}

// redirectTarget returns the URL that plain HTTP is redirected to if that is the same
// host over HTTPS, or "". Only one redirect is followed.
func (x *examination) redirectTarget(a answer) string {
	to, err := a.Location()
	if err != nil || x.redirected || x.url.Scheme != "http" ||
		to.Scheme != "https" || to.Hostname() != x.url.Hostname() {
		return ""
	}
	return (&url.URL{Scheme: to.Scheme, Host: to.Host,
		Path: strings.TrimSuffix(to.Path, "/health")}).String()
}

// clock compares the server's clock with that of this machine.
func (x *examination) clock(a answer) {
	const (
		fine = 30 * time.Second
		bad  = 5 * time.Minute
	)
	there, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		x.report("clock", Skipped, "the answer has no Date header")
		return
	}
	apart := there.Sub(a.sent.Add(a.took / 2)).Round(time.Second)
	message := fmt.Sprintf("the server's clock is %s ahead of this machine's", apart)
	if apart < 0 {
		message = fmt.Sprintf("the server's clock is %s behind this machine's", -apart)
	}
	switch {
	case apart.Abs() > bad:
		x.report("clock", Fail, message+": codes, keys and certificates expire at the wrong time",
			fixClock()...)
	case apart.Abs() > fine:
		x.report("clock", Warn, message, fixClock()...)
	default:
		x.report("clock", OK, "the clocks agree")
	}
}

// ready asks the gateway whether it can serve requests.
func (x *examination) ready() bool {
	a, err := x.request(http.MethodGet, "/readyz", nil)
	if err != nil {
		x.report("ready", Fail, "no answer to GET /readyz: "+quoted(err.Error()), fixUpstream()...)
		return true
	}
	var state struct{ Status, Cause string }
	switch err := json.Unmarshal(a.body, &state); {
	case a.StatusCode == http.StatusOK:
		x.report("ready", OK, "the gateway can serve requests")
	case a.StatusCode == http.StatusNotFound:
		x.report("ready", Skipped, "this gateway has no /readyz")
	case err == nil && state.Cause != "":
		x.report("ready", Fail, "the gateway cannot serve requests: "+quoted(state.Cause),
			fixes(you, "see the gateway's log, and check the disk of data_dir")...)
	default:
		message, fixes := x.explainAnswer(a.StatusCode, a.Header, a.body)
		x.report("ready", Fail, "GET /readyz: "+message, fixes...)
	}
	return true
}

// explainAnswer says what an unexpected answer means, and what to do. Usually a proxy,
// or another server, has sent the answer.
func (x *examination) explainAnswer(status int, h http.Header, body []byte) (string, []Fix) {
	server := "something"
	if name := h.Get("Server"); name != "" {
		server = quoted(name)
	}
	message := fmt.Sprintf("%s answers HTTP %d", server, status)
	location := h.Get("Location")
	switch {
	case wantsTLS(body):
		return "this port speaks TLS", fixes(you, "gatehouse doctor https://"+x.url.Host+x.url.Path)
	case strings.HasPrefix(gatewayError(body), "RESOURCE_EXHAUSTED"):
		return "the gateway takes no more connections now: " + quoted(gatewayError(body)), fixFull()
	case gatewayError(body) != "":
		return message + ": " + quoted(gatewayError(body)), nil
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable ||
		status == http.StatusGatewayTimeout:
		return message + ": it is a proxy that does not reach the gateway", fixUpstream()
	case status == http.StatusUnauthorized || status == http.StatusForbidden ||
		status == http.StatusProxyAuthRequired:
		return message + ": a proxy or firewall in front of the gateway refuses", fixes(
			nginx, "auth_basic off;  # and no deny",
			caddy, "no basic_auth in front of Gatehouse",
			haproxy, "no http-request deny or auth",
			traefik, "no basicAuth, forwardAuth or ipAllowList in front of Gatehouse")
	case x.isLoop(location):
		return message + ", to " + quoted(location) +
			", which leads back here: a redirect loop", fixRedirectLoop()
	case status >= 300 && status < 400:
		return message + ", to " + quoted(location), fixes(you, "gatehouse doctor with that URL")
	}
	return message + ", which is not a gateway's answer", fixRoute(x.url.Hostname(), x.url.Path)
}

// wantsTLS reports whether an answer says that the port expects TLS.
func wantsTLS(body []byte) bool {
	return strings.Contains(string(body), "HTTP request to an HTTPS server") ||
		strings.Contains(string(body), "plain HTTP request was sent to HTTPS port")
}

// isLoop reports whether a redirect leads to a URL that was redirected here.
func (x *examination) isLoop(location string) bool {
	to, err := x.url.Parse(location)
	return err == nil && location != "" && to.Hostname() == x.url.Hostname() &&
		(x.redirected || to.Scheme == x.url.Scheme && to.Host == x.url.Host)
}

// gatewayError returns the code and message of {"error":{…}}, the form in which the
// gateway refuses requests, or "" if the body has another form.
func gatewayError(body []byte) string {
	var refused struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &refused) != nil || refused.Error.Code == "" {
		return ""
	}
	return refused.Error.Code + ": " + refused.Error.Message
}
