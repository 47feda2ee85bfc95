package httpd

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/forwarded"
)

// clientAddress is the address that the request comes from: the socket's peer, or, if
// that is a trusted proxy, the right-most address in X-Forwarded-For or Forwarded that is
// not one.
func (s *server) clientAddress(r *http.Request) netip.Addr {
	a, _ := s.client(r)
	return a
}

// client is clientAddress. proxy says that the address is certainly that of a trusted
// proxy, which connects for many users. If a proxy's headers contradict each other, the
// address is the proxy's, too, but the client may have caused that.
func (s *server) client(r *http.Request) (a netip.Addr, proxy bool) {
	settings := s.settings(r)
	a, certain := s.claims(r).Client(socketAddress(r), settings.isTrusted)
	return a, certain && settings.isTrusted(a)
}

// socketAddress is the address of the socket's peer.
func socketAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// claims are what the headers of a trusted proxy say about the request; those of anybody
// else say nothing.
func (s *server) claims(r *http.Request) forwarded.Claims {
	if peer := socketAddress(r); !s.settings(r).isTrusted(peer) {
		s.warnOfForwarding(r, peer)
		return forwarded.Claims{}
	}
	return forwarded.Read(r.Header)
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
	if !forwarded.Present(r.Header) {
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
