package doctor

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// origin opens WebSockets as pages do: the gateway's own pages, those that should be
// allowed, and those of an unknown site.
func (x *examination) origin() bool {
	const unknown = "https://stranger.invalid"
	own := x.ownOrigin()
	switch refused, err := x.upgradeAs(own); {
	case err != nil:
		x.report("origin", Fail, "with an Origin header no WebSocket opens: "+quoted(err.Error()),
			fixUpgrade("")...)
	case refused == nil:
		x.report("origin", OK, "pages of "+own+" may connect")
	case refused.Status == http.StatusMisdirectedRequest && gatewayError(refused.Body) != "":
		message, fixes := x.explainHost(refused.Body)
		x.report("origin", Fail, message, fixes...)
	case refused.Status == http.StatusForbidden && gatewayError(refused.Body) != "":
		x.ownOriginRefused(own, gatewayError(refused.Body))
	default:
		message, fixes := x.explainAnswer(refused.Status, refused.Header, refused.Body)
		x.report("origin", Fail, "GET /ws with an Origin header: "+message, fixes...)
	}
	if x.Origin != "" {
		x.foreignOrigin()
	}
	if refused, err := x.upgradeAs(unknown); err == nil && refused == nil {
		x.report("origin", Warn, "pages of any site may connect", fixOpenOrigins()...)
	}
	return true
}

// explainHost says what it means that the gateway does not know the host, and what to do.
func (x *examination) explainHost(body []byte) (string, []Fix) {
	host, refusal := x.url.Hostname(), strings.ToLower(gatewayError(body))
	changed := strings.Contains(refusal, strings.ToLower(nginxHost)) // it names another host, and why
	if changed || !strings.Contains(refusal, host) {
		return "the gateway refuses browsers with HTTP 421: a proxy does not pass on the host " +
			host + ", and the gateway does not know the name that it gets instead", fixHostHeader()
	}
	return "the gateway does not know the name " + host +
		", and refuses browsers that use it with HTTP 421", fixHost(x.ownURL(), host)
}

// ownOriginRefused reports that the gateway takes its own pages for another site's. What
// the proxy gets wrong is said by the refusal, or else by the origins that are accepted.
func (x *examination) ownOriginRefused(own, refusal string) {
	x.hostFault = strings.Contains(refusal, nginxHost)
	x.schemeFault = strings.Contains(refusal, nginxProto)
	if !x.hostFault && !x.schemeFault {
		x.hostFault, x.schemeFault = x.findFaults(own)
	}
	message := "the gateway refuses its own pages (origin " + own + ") with HTTP 403: the proxy "
	const host, scheme = "does not pass on the Host header with its port",
		"does not say which scheme browsers use (X-Forwarded-Proto), or is not in gateway.trusted_proxies"
	switch {
	case x.hostFault && x.schemeFault:
		message += host + ", and " + scheme
	case x.schemeFault:
		message += scheme
	case x.hostFault:
		message += host
	default:
		message = strings.TrimSuffix(message, "the proxy ") +
			"it does not know the scheme and host at which it is reached"
	}
	x.report("origin", Fail, message, x.fixOrigin()...)
}

// findFaults finds out for which origin the gateway takes itself, if that differs from its
// real one only in scheme or port.
func (x *examination) findFaults(own string) (host, scheme bool) {
	otherScheme := map[string]string{"http": "https", "https": "http"}[x.url.Scheme]
	name := strings.TrimSuffix(x.url.Host, ":"+x.url.Port())
	for _, c := range []struct {
		u            url.URL
		host, scheme bool
	}{
		{url.URL{Scheme: otherScheme, Host: x.url.Host}, false, true},
		{url.URL{Scheme: x.url.Scheme, Host: name}, true, false},
		{url.URL{Scheme: otherScheme, Host: name}, true, true},
	} {
		origin := originOf(&c.u)
		if origin == own {
			continue
		}
		if refused, err := x.upgradeAs(origin); err == nil && refused == nil {
			return c.host, c.scheme
		}
	}
	return false, false
}

// fixOrigin says how the gateway learns at which scheme and host it is reached.
func (x *examination) fixOrigin() []Fix {
	switch {
	case x.hostFault && x.schemeFault:
		return fixes(
			nginx, nginxHost+"\n"+nginxProto,
			caddy, "reverse_proxy 127.0.0.1:8080  # without header_up Host or X-Forwarded-Proto",
			haproxy, "http-request set-header X-Forwarded-Proto https  # and no set-header Host",
			traefik, traefikTrust,
			gatehouse, `gateway: { public_url: "`+x.ownURL()+
				`", trusted_proxies: ["127.0.0.1", "::1"] }  // the proxy's addresses`)
	case x.hostFault:
		return append(fixHostHeader(), Fix{gatehouse, `gateway: { public_url: "` + x.ownURL() + `" }`})
	case x.schemeFault:
		return fixScheme(x.ownURL())
	}
	return append(fixHostHeader(), fixScheme(x.ownURL())...)
}

// foreignOrigin opens a WebSocket as the pages of Options.Origin do.
func (x *examination) foreignOrigin() {
	from, err := ParseOrigin(x.Origin)
	var wrong *AddressError
	if errors.As(err, &wrong) {
		x.report("origin", Fail, wrong.Given+" "+wrong.Problem, fixes(you, wrong.Proposal)...)
		return
	}
	own := x.ownOrigin()
	if from == own {
		return // it has its line, and needs no permission
	}
	if u, err := url.Parse(from); err == nil && u.Host == x.url.Host {
		x.report("origin", Fail, from+" is the gateway itself by another scheme: its pages are at "+own,
			fixes(you, "open "+own)...)
		return
	}
	if refused, err := x.upgradeAs(from); err != nil || refused != nil {
		x.report("origin", Fail, "pages of "+from+" may not connect", fixForeignOrigin(from)...)
		return
	}
	x.report("origin", OK, "pages of "+from+" may connect")
}

// ownOrigin returns the origin of the gateway's own pages, as browsers send it.
func (x *examination) ownOrigin() string { return originOf(x.url) }

// ownURL is the URL for gateway.public_url.
func (x *examination) ownURL() string { return x.ownOrigin() + x.url.Path }

// pageHeader has what a browser sends with the requests of a page. Of the gateway's own
// pages the browser says so; the gateway then knows that a wrong host is the proxy's fault.
func (x *examination) pageHeader(origin string) http.Header {
	h := http.Header{"Origin": {origin}}
	if origin == x.ownOrigin() {
		h.Set("Sec-Fetch-Site", "same-origin")
	}
	return h
}

// upgradeAs opens and closes a WebSocket as the pages of an origin do. It returns the
// answer if the upgrade is refused, and nil if the pages may connect.
func (x *examination) upgradeAs(origin string) (*rawws.Refusal, error) {
	s, err := x.open(x.pageHeader(origin))
	var refused *rawws.Refusal
	switch {
	case errors.As(err, &refused):
		return refused, nil
	case err != nil:
		return nil, err
	}
	if err := s.ws.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return nil, err
	}
	return nil, nil
}
