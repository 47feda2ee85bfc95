package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// address is where r comes from: the socket's peer, or what trusted proxies say
// of it, the right-most address that is not a trusted proxy's.
func (s *server) address(r *http.Request) netip.Addr {
	peer := remote(r)
	if !s.settings(r).isTrusted(peer) {
		s.warnOfForwarding(r, peer)
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // what is left of it cannot be relied on
		}
		peer = addr.Unmap()
		if !s.settings(r).isTrusted(peer) {
			break
		}
	}
	return peer
}

// remote is the socket's peer.
func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// forwarded is a header that only trusted proxies may set; empty otherwise.
func (s *server) forwarded(r *http.Request, name string) string {
	if !s.settings(r).isTrusted(remote(r)) {
		return ""
	}
	first, _, _ := strings.Cut(r.Header.Get(name), ",")
	return strings.TrimSpace(first)
}

// warnings keeps a warning from filling the log.
type warnings struct {
	mu   sync.Mutex
	last time.Time
}

func (s *server) warnOfForwarding(r *http.Request, peer netip.Addr) {
	if r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("X-Forwarded-Proto") == "" && r.Header.Get("X-Forwarded-Host") == "" {
		return
	}
	s.proxies.mu.Lock()
	defer s.proxies.mu.Unlock()
	if time.Since(s.proxies.last) < time.Minute {
		return
	}
	s.proxies.last = time.Now()
	s.Log.Warn("forwarding headers ignored: if this is your proxy, add it to gateway.trusted_proxies", "address", peer)
}

// secure reports whether the browser came over TLS; a proxy knows that of its own
// side.
func (s *server) secure(r *http.Request) bool {
	if scheme := s.forwarded(r, "X-Forwarded-Proto"); scheme != "" {
		return strings.EqualFold(scheme, "https")
	}
	return r.TLS != nil
}

// ownOrigin is the origin that a page of ours has, as its browser sees it.
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

// origin spells an origin as browsers do: lower case, without the usual port.
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

// from is the origin of the page that made the request, spelled as origin
// spells it; empty for programs and for a browser's own navigation.
func from(r *http.Request) string {
	sent := r.Header.Get("Origin")
	scheme, host, ok := strings.Cut(sent, "://")
	if !ok {
		return sent
	}
	return origin(strings.ToLower(scheme), host)
}

// sameOrigin reports whether the request comes from a page of ours: of the
// address that was asked, or of gateway.public_url.
func (s *server) sameOrigin(r *http.Request) bool {
	page := from(r)
	return page != "" && (page == s.ownOrigin(r) || page == s.settings(r).publicOrigin())
}

// originAllowed reports whether a page of the request's origin may talk to us.
// Programs send no origin and may.
func (s *server) originAllowed(r *http.Request) bool {
	page := from(r)
	return page == "" || s.sameOrigin(r) || s.settings(r).originListed(page)
}

// rejectOrigin refuses a page of an origin that is not allowed, and logs that.
func (s *server) rejectOrigin(w http.ResponseWriter, r *http.Request) {
	page := r.Header.Get("Origin")
	page = strings.ToValidUTF8(page[:min(len(page), 200)], "")
	s.Metrics.OriginRejected()
	if s.lines.Allow(s.address(r)) {
		s.Log.Warn("security.origin_rejected", "origin", page, "address", s.address(r), "path", r.URL.Path)
	}
	if page == "" {
		page = "of that page"
	}
	fail(w, http.StatusForbidden, protocol.Refuse(protocol.Forbidden,
		"origin "+page+" is not allowed: add it to gateway.allowed_origins"))
}
