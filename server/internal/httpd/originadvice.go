package httpd

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/forwarded"
)

// What mends an nginx that does not pass on what the browser asked for. Other proxies do
// so unless they are told not to.
const (
	nginxHost  = "proxy_set_header Host $http_host;"
	nginxProto = "proxy_set_header X-Forwarded-Proto $scheme;"
)

// originAdvice says why the gateway does not take a page's origin for its own, and what
// to change. Several faults may come together.
type originAdvice struct {
	page, own string
	host      bool   // the proxy does not pass the host on, or leaves out the port
	proto     bool   // the proxy does not say that the browser uses TLS, or says it wrongly
	trust     bool   // the proxy, if there is one, is not trusted
	public    bool   // the page's origin could be gateway.public_url
	foreign   bool   // the page may be another site's
	opaque    string // what to do if the page names no origin that could be allowed, or ""
}

// What to do if the Origin header is "null", or missing in a request that a page has caused.
const (
	adviceNull = "a page that was opened from a file, or is sandboxed, has no origin: " +
		"serve the page over HTTP, and add its origin to gateway.allowed_origins"
	adviceMissing = "let that page load this with CORS, and add its origin to gateway.allowed_origins"
)

// adviseOrigin finds out what is wrong, if the page is the gateway's own.
func (s *server) adviseOrigin(r *http.Request) originAdvice {
	a := originAdvice{page: pageOrigin(r), own: s.ownOrigins(r)[0]}
	page, err := url.Parse(a.page)
	own, ownErr := url.Parse(a.own)
	if err != nil || ownErr != nil || page.Host == "" || own.Host == "" {
		if a.opaque = adviceMissing; a.page != "" {
			a.opaque = adviceNull
		}
		return a
	}
	trusted := s.settings(r).isTrusted(socketAddress(r))
	proxied := trusted || forwarded.Present(r.Header)
	sure := r.Header.Get("Sec-Fetch-Site") == "same-origin" // a browser says that the page is ours
	switch {
	case page.Hostname() != own.Hostname():
		a.host = sure || proxied && isUpstream(own.Hostname())
		a.foreign = !sure
	case page.Port() != own.Port():
		a.host = sure || proxied || own.Port() == ""
		a.foreign = !sure && own.Port() != ""
		if !a.host {
			return a
		}
	}
	a.public = page.Hostname() == own.Hostname() || sure
	if a.public || a.host {
		a.proto = page.Scheme == forwarded.HTTPS && own.Scheme == forwarded.HTTP ||
			page.Scheme == forwarded.HTTP && own.Scheme == forwarded.HTTPS && proxied
	}
	a.foreign = a.foreign || !sure && !a.proto
	a.trust = (a.proto || a.host && proxied) && !trusted
	return a
}

// isUpstream reports whether a proxy may have named the gateway so, and not a browser.
func isUpstream(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil || isLocalName(name)
}

// lines are the lines that mend the proxy and the gateway. All of them are needed. proxy
// is the address to trust.
func (a originAdvice) lines(proxy string) (all []string) {
	if a.host {
		all = append(all, "nginx: "+nginxHost)
	}
	if a.proto {
		all = append(all, "nginx: "+nginxProto)
	}
	if a.trust {
		all = append(all, "gateway.trusted_proxies: ["+proxy+"]")
	}
	return all
}

// text joins the lines, and names what may be changed instead.
func (a originAdvice) text(proxy, foreign string) string {
	if a.opaque != "" {
		return a.opaque
	}
	choices := []string{}
	if lines := a.lines(proxy); len(lines) > 0 {
		choices = append(choices, strings.Join(lines, " and "))
	}
	if a.public {
		choices = append(choices, `gateway.public_url: "`+shown(a.page)+`"`)
	}
	if a.foreign {
		choices = append(choices, foreign)
	}
	return strings.Join(choices, ", or ")
}

// forLog is the advice for the operator. peer is the socket's address.
func (a originAdvice) forLog(peer netip.Addr) string {
	return a.text(`"`+peer.String()+`"`, `if the page is another site's, gateway.allowed_origins: ["`+
		shown(a.page)+`"]`)
}

// forClient is the advice for whoever looks at the answer. It names no address of the
// gateway's network.
func (a originAdvice) forClient() string {
	switch {
	case a.opaque != "":
		return a.opaque
	case len(a.lines("")) == 0:
		return "add it to gateway.allowed_origins"
	}
	return "the gateway was asked as " + shown(a.own) + "; if that page is the gateway's own, " +
		"the proxy in front has to pass on what the browser asked for: " +
		a.text("the proxy's address", "if the page is another site's, add it to gateway.allowed_origins")
}
