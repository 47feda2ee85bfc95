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

// maxBody is what is read of an answer, in bytes.
const maxBody = 64 << 10

// answer is what came over HTTP.
type answer struct {
	*http.Response
	body []byte
	sent time.Time
	took time.Duration
}

// ask makes a request as a page of the gateway does.
func (x *examination) ask(method, path string, header http.Header) (answer, error) {
	ctx, cancel := x.step()
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, x.url.String()+path, nil)
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "gatehouse-doctor")
	way := &http.Transport{DialContext: x.dial, DialTLSContext: x.dial, DisableKeepAlives: true, MaxResponseHeaderBytes: maxBody}
	a := answer{sent: time.Now()}
	if a.Response, err = way.RoundTrip(r); err != nil {
		return a, err
	}
	a.took = time.Since(a.sent)
	defer func() { _ = a.Body.Close() }()
	a.body, err = io.ReadAll(io.LimitReader(a.Body, maxBody))
	return a, err
}

// health asks whether it is a gateway that answers, and what time it is there.
func (x *examination) health() bool {
	a, err := x.ask(http.MethodGet, "/health", nil)
	if err != nil {
		x.say("health", Fail, "no answer to GET /health: "+quoted(err.Error()), mendUpstream()...)
		return false
	}
	if to := x.redirected(a); to != "" {
		x.elsewhere = to
		x.say("redirect", OK, "plain HTTP leads to "+to)
		return false
	}
	var says struct {
		Status   string `json:"status"`
		Protocol int    `json:"protocol"`
	}
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.body, &says) != nil || says.Status == "" {
		text, mend := x.notOurs(a.StatusCode, a.Header, a.body)
		x.say("health", Fail, "GET /health: "+text, mend...)
		return false
	}
	if says.Protocol != 0 && says.Protocol != 3 {
		x.say("health", Warn, fmt.Sprintf("a gateway answers, and speaks protocol %d, not 3", says.Protocol))
	} else {
		x.say("health", OK, "a gateway answers within "+a.took.Round(100*time.Microsecond).String())
	}
	x.clock(a)
	return true
}

// redirected is where plain HTTP leads, if that is the same host over HTTPS.
func (x *examination) redirected(a answer) string {
	to, err := a.Location()
	if err != nil || x.moved || x.url.Scheme != "http" || to.Scheme != "https" || to.Hostname() != x.url.Hostname() {
		return ""
	}
	return (&url.URL{Scheme: to.Scheme, Host: to.Host}).String()
}

// clock compares the other side's clock with ours.
func (x *examination) clock(a answer) {
	const (
		fine = 30 * time.Second
		bad  = 5 * time.Minute
	)
	there, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		x.say("clock", Skipped, "the answer has no Date header")
		return
	}
	apart := there.Sub(a.sent.Add(a.took / 2)).Round(time.Second)
	says := fmt.Sprintf("the clock there is %s ahead of this machine's", apart)
	if apart < 0 {
		says = fmt.Sprintf("the clock there is %s behind this machine's", -apart)
	}
	switch {
	case apart.Abs() > bad:
		x.say("clock", Fail, says+": codes, keys and certificates end at the wrong time", mendClock()...)
	case apart.Abs() > fine:
		x.say("clock", Warn, says, mendClock()...)
	default:
		x.say("clock", OK, "the clocks agree")
	}
}

// ready asks whether the gateway can serve.
func (x *examination) ready() bool {
	a, err := x.ask(http.MethodGet, "/readyz", nil)
	if err != nil {
		x.say("ready", Fail, "no answer to GET /readyz: "+quoted(err.Error()), mendUpstream()...)
		return true
	}
	var says struct{ Status, Cause string }
	switch err := json.Unmarshal(a.body, &says); {
	case a.StatusCode == http.StatusOK:
		x.say("ready", OK, "it can serve")
	case a.StatusCode == http.StatusNotFound:
		x.say("ready", Skipped, "this gateway does not tell")
	case err == nil && says.Cause != "":
		x.say("ready", Fail, "the gateway cannot serve: "+quoted(says.Cause), mends(you, "the gateway's log says more; look at the disk of data_dir")...)
	default:
		text, mend := x.notOurs(a.StatusCode, a.Header, a.body)
		x.say("ready", Fail, "GET /readyz: "+text, mend...)
	}
	return true
}

// notOurs says what an answer means that the gateway does not give.
func (x *examination) notOurs(status int, h http.Header, body []byte) (string, []Mend) {
	by := "something"
	if server := h.Get("Server"); server != "" {
		by = quoted(server)
	}
	said := fmt.Sprintf("%s answers HTTP %d", by, status)
	switch {
	case strings.Contains(string(body), "HTTP request to an HTTPS server"), strings.Contains(string(body), "plain HTTP request was sent to HTTPS port"):
		return "this port speaks TLS", mends(you, "gatehouse doctor https://"+x.url.Host)
	case strings.HasPrefix(refusal(body), "RESOURCE_EXHAUSTED"):
		return "the gateway takes no more connections now: " + quoted(refusal(body)), mendCrowd()
	case refusal(body) != "":
		return said + ": " + quoted(refusal(body)), nil
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return said + ": it is a proxy that does not reach the gateway", mendUpstream()
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired:
		return said + ": a proxy or firewall in front of the gateway refuses", mends(
			nginx, "auth_basic off;  # and no deny", caddy, "no basic_auth in front of Gatehouse", haproxy, "no http-request deny or auth")
	case x.circles(h.Get("Location")):
		return said + ", to " + quoted(h.Get("Location")) + ", which leads back here: a circle", mendCircle()
	case status >= 300 && status < 400:
		return said + ", to " + quoted(h.Get("Location")), mends(you, "gatehouse doctor with that URL")
	}
	return said + ", which is not a gateway's answer", mendRoute()
}

// circles reports whether a redirect leads to a place that has led here.
func (x *examination) circles(location string) bool {
	to, err := x.url.Parse(location)
	return err == nil && location != "" && to.Hostname() == x.url.Hostname() && (x.moved || to.Scheme == x.url.Scheme && to.Host == x.url.Host)
}

// refusal is the message of {"error":{…}}, in which the gateway refuses; or "".
func refusal(body []byte) string {
	var refused struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &refused) != nil || refused.Error.Code == "" {
		return ""
	}
	return refused.Error.Code + ": " + refused.Error.Message
}
