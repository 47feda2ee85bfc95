package httpd

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/forwarded"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// secure reports whether the browser uses TLS. Behind a trusted proxy, the proxy says
// so.
func (s *server) secure(r *http.Request) bool {
	switch s.claims(r).Scheme {
	case forwarded.HTTPS:
		return true
	case forwarded.HTTP:
		return false
	}
	return r.TLS != nil
}

// ownOrigins are the gateway's origins, as the request's browser may see them: first the
// one that the request names, and if its host lacks a port, the one with the port that a
// trusted proxy names. That port may be one between two proxies, so it never counts alone.
func (s *server) ownOrigins(r *http.Request) []string {
	scheme := forwarded.HTTP
	if s.secure(r) {
		scheme = forwarded.HTTPS
	}
	host, claims := r.Host, s.claims(r)
	if len(claims.Hosts) > 0 {
		host = claims.Hosts[0]
	}
	own := []string{origin(scheme, host)}
	if name, port := splitHost(host); port == "" {
		asked, askedPort := splitHost(r.Host)
		if asked == name && askedPort != "" {
			own = append(own, origin(scheme, net.JoinHostPort(name, askedPort)))
		}
		if claims.Port != "" {
			own = append(own, origin(scheme, net.JoinHostPort(name, claims.Port)))
		}
	}
	return own
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
	return page != "" &&
		(slices.Contains(s.ownOrigins(r), page) || page == s.settings(r).publicOrigin())
}

// originAllowed reports whether a page of the request's origin may use the gateway.
// Programs send no origin and may use it.
func (s *server) originAllowed(r *http.Request) bool {
	page := pageOrigin(r)
	return page == "" || s.sameOrigin(r) || s.settings(r).originListed(page)
}

// rejectOrigin refuses and logs the request of a page whose origin is not allowed.
func (s *server) rejectOrigin(w http.ResponseWriter, r *http.Request) {
	page, advice := shown(r.Header.Get("Origin")), s.adviseOrigin(r)
	s.Metrics.OriginRejected()
	if s.lines.Allow(s.clientAddress(r)) {
		s.Log.Warn("security.origin_rejected", "origin", page, "own", shown(s.ownOrigins(r)[0]),
			"address", s.clientAddress(r), "path", r.URL.Path, "mend", advice.forLog(socketAddress(r)))
	}
	if page == "" {
		page = "of that page"
	}
	writeError(w, http.StatusForbidden, protocol.Refuse(protocol.Forbidden,
		"origin "+page+" is not allowed: "+advice.forClient()))
}

// shown is text from a request for a log line or an answer: valid, and at most 200 bytes.
func shown(s string) string { return strings.ToValidUTF8(s[:min(len(s), 200)], "") }
