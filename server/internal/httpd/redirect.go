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

// Redirect answers plain HTTP with the same address over HTTPS, where that is
// the gateway's: a Host header leads nobody elsewhere. A request with a body is
// refused instead: what is in it has already travelled in clear, and its sender
// should notice.
func Redirect(o RedirectOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // TLS may be given up again; HSTS is what binds
		to := o.origin(r.Host)
		switch {
		case to == "":
			fail(w, http.StatusMisdirectedRequest, protocol.Refuse(protocol.InvalidRequest,
				"no certificate here is for the host of the Host header, and there is no gateway.public_url"))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			fail(w, http.StatusForbidden, protocol.Refuse(protocol.InvalidRequest, "this address is not encrypted: use "+to))
		default:
			http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusPermanentRedirect) // #nosec G710 -- to a host of the certificate, or the public one
		}
	})
}

// origin is where a host is reached over HTTPS: as it was asked for, where the
// certificate is good for that, else under the public URL; "" for neither.
func (o RedirectOptions) origin(host string) string {
	public, err := url.Parse(o.PublicURL())
	known := err == nil && public.Scheme == "https" && public.Host != ""
	asked, err := url.Parse("http://" + host)
	covered := err == nil && asked.Host == host && asked.Hostname() != "" && o.Covers(asked.Hostname())
	switch {
	case known && (!covered || public.Hostname() == asked.Hostname()):
		return origin("https", public.Host)
	case covered:
		return origin("https", net.JoinHostPort(asked.Hostname(), o.Port))
	}
	return ""
}
