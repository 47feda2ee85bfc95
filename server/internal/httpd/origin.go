package httpd

import (
	"net"
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// secure reports whether the browser uses TLS. Behind a trusted proxy, the proxy says
// so.
func (s *server) secure(r *http.Request) bool {
	if scheme := s.forwarded(r, "X-Forwarded-Proto"); scheme != "" {
		return strings.EqualFold(scheme, "https")
	}
	return r.TLS != nil
}

// ownOrigin is the gateway's origin, as the request's browser sees it.
func (s *server) ownOrigin(r *http.Request) string {
	host := r.Host
	if h := s.forwarded(r, "X-Forwarded-Host"); h != "" {
		host = h
	}
	scheme := "http"
	if s.secure(r) {
		scheme = "https"
	}
	return origin(scheme, host)
}

// origin is an origin as browsers write it: lower case, without the default port.
func origin(scheme, host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil &&
		(scheme == "http" && port == "80" || scheme == "https" && port == "443") {
		host = name
		if strings.Contains(name, ":") {
			host = "[" + name + "]"
		}
	}
	return scheme + "://" + host
}

// pageOrigin is the origin of the page that made the request, as origin writes it. It
// is empty for programs and for a browser's own navigation.
func pageOrigin(r *http.Request) string {
	sent := r.Header.Get("Origin")
	scheme, host, ok := strings.Cut(sent, "://")
	if !ok {
		return sent
	}
	return origin(strings.ToLower(scheme), host)
}

// sameOrigin reports whether a page of this gateway made the request: its origin is the
// request's own or that of gateway.public_url.
func (s *server) sameOrigin(r *http.Request) bool {
	page := pageOrigin(r)
	return page != "" && (page == s.ownOrigin(r) || page == s.settings(r).publicOrigin())
}

// originAllowed reports whether a page of the request's origin may use the gateway.
// Programs send no origin and may use it.
func (s *server) originAllowed(r *http.Request) bool {
	page := pageOrigin(r)
	return page == "" || s.sameOrigin(r) || s.settings(r).originListed(page)
}

// rejectOrigin refuses and logs the request of a page whose origin is not allowed.
func (s *server) rejectOrigin(w http.ResponseWriter, r *http.Request) {
	page := r.Header.Get("Origin")
	page = strings.ToValidUTF8(page[:min(len(page), 200)], "")
	s.Metrics.OriginRejected()
	if s.lines.Allow(s.clientAddress(r)) {
		s.Log.Warn("security.origin_rejected", "origin", page, "address", s.clientAddress(r), "path",
			r.URL.Path)
	}
	if page == "" {
		page = "of that page"
	}
	writeError(w, http.StatusForbidden, protocol.Refuse(protocol.Forbidden,
		"origin "+page+" is not allowed: add it to gateway.allowed_origins"))
}
