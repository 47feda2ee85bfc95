package httpd

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// RedirectOptions are what Redirect needs.
type RedirectOptions struct {
	// Port is the port of the gateway's TLS listener.
	Port string
	// Covers reports whether the gateway's certificate is valid for a host.
	Covers func(host string) bool
	// PublicURL gives gateway.public_url, which may be empty.
	PublicURL func() string
}

// Redirect redirects HTTP to the same URL over HTTPS, but only to a host of the
// gateway's: a Host header cannot redirect to another site. It refuses requests other
// than GET and HEAD, so that their senders notice that the body was not encrypted.
func Redirect(o RedirectOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// the gateway may stop using TLS; HSTS is what binds browsers
		w.Header().Set("Cache-Control", "no-store")
		to, base := o.target(r.Host)
		switch {
		case to == "":
			writeError(w, http.StatusMisdirectedRequest, protocol.Refuse(protocol.InvalidRequest,
				"no certificate here is for the host of the Host header, and there is no gateway.public_url"))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			writeError(w, http.StatusForbidden, protocol.Refuse(protocol.InvalidRequest,
				"this address is not encrypted: use "+to))
		default:
			http.Redirect(w, r, to+under(base, r.URL.RequestURI()), http.StatusPermanentRedirect) // #nosec G710 -- to a host of the certificate, or the public one
		}
	})
}

// target is the origin to redirect a host to: the host over HTTPS if the certificate
// covers it, else that of the public URL, else "". base is the path of the public URL if
// it leads there.
func (o RedirectOptions) target(host string) (to, base string) {
	public, err := url.Parse(o.PublicURL())
	known := err == nil && public.Scheme == "https" && public.Host != ""
	asked, err := url.Parse("http://" + host)
	covered := err == nil && asked.Host == host && asked.Hostname() != "" && o.Covers(asked.Hostname())
	switch {
	case known && (!covered || public.Hostname() == asked.Hostname()):
		return origin("https", public.Host), strings.TrimRight(public.Path, "/")
	case covered:
		return origin("https", net.JoinHostPort(asked.Hostname(), o.Port)), ""
	}
	return "", ""
}

// under is a request's path and query, below the base unless they are already.
func under(base, uri string) string {
	rest, has := strings.CutPrefix(uri, base)
	if base == "" || has && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		return uri
	}
	return base + uri
}
