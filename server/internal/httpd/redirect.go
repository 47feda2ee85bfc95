package httpd

import (
	"net"
	"net/http"
	"net/url"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// RedirectOptions are what a redirect needs to know of the gateway.
type RedirectOptions struct {
	Port      string                 // of the gateway's TLS listener
	Covers    func(host string) bool // whether its certificate is good for a host
	PublicURL func() string          // under which people reach it; may be empty
}

// Redirect answers plain HTTP with the same address over HTTPS. A request with a
// body is refused instead: what is in it has already travelled in clear, and
// its sender should notice.
func Redirect(o RedirectOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // TLS may be given up again; HSTS is what binds
		to := o.origin(r.Host)
		switch {
		case to == "":
			fail(w, http.StatusBadRequest, protocol.Refuse(protocol.InvalidRequest, "the Host header is no host"))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			fail(w, http.StatusForbidden, protocol.Refuse(protocol.InvalidRequest, "this address is not encrypted: use "+to))
		default:
			http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusPermanentRedirect) // #nosec G710 -- to the host that was asked, or the public one
		}
	})
}

// origin is where a host is reached over HTTPS: as it was asked for, unless the
// certificate is good for the public URL alone; "" for what is no host.
func (o RedirectOptions) origin(host string) string {
	asked, err := url.Parse("http://" + host)
	if err != nil || asked.Hostname() == "" || asked.Host != host {
		return ""
	}
	if public, err := url.Parse(o.PublicURL()); err == nil && public.Host != "" &&
		(public.Hostname() == asked.Hostname() || !o.Covers(asked.Hostname())) {
		return origin(public.Scheme, public.Host)
	}
	return origin("https", net.JoinHostPort(asked.Hostname(), o.Port))
}
