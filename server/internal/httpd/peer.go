package httpd

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// clientAddress is the address that the request comes from: the socket's peer, or, if
// that is a trusted proxy, the right-most address in X-Forwarded-For that is not one.
func (s *server) clientAddress(r *http.Request) netip.Addr {
	peer := socketAddress(r)
	if !s.settings(r).isTrusted(peer) {
		s.warnOfForwarding(r, peer)
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // nobody vouches for the entries before a malformed one
		}
		peer = addr.Unmap()
		if !s.settings(r).isTrusted(peer) {
			break
		}
	}
	return peer
}

// socketAddress is the address of the socket's peer.
func socketAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// forwarded is a header that counts only if a trusted proxy sets it; otherwise empty.
func (s *server) forwarded(r *http.Request, name string) string {
	if !s.settings(r).isTrusted(socketAddress(r)) {
		return ""
	}
	first, _, _ := strings.Cut(r.Header.Get(name), ",")
	return strings.TrimSpace(first)
}

// minuteLimiter limits a warning to one line a minute.
type minuteLimiter struct {
	// mu guards the following field.
	mu   sync.Mutex
	last time.Time
}

// warnOfForwarding warns that forwarding headers of a peer that is no trusted proxy are
// ignored.
func (s *server) warnOfForwarding(r *http.Request, peer netip.Addr) {
	if r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("X-Forwarded-Proto") == "" &&
		r.Header.Get("X-Forwarded-Host") == "" {
		return
	}
	s.proxies.mu.Lock()
	defer s.proxies.mu.Unlock()
	if time.Since(s.proxies.last) < time.Minute {
		return
	}
	s.proxies.last = time.Now()
	s.Log.Warn("forwarding headers ignored: if this is your proxy, add it to gateway.trusted_proxies",
		"address", peer)
}
