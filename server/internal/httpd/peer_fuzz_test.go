package httpd

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
)

// FuzzPeer takes the address and origin of requests with any headers, from a trusted
// proxy and from another peer.
func FuzzPeer(f *testing.F) {
	f.Add("198.51.100.7", "203.0.113.9, 192.0.2.5", "https", "chat.example", "https://chat.example",
		"Bearer x")
	f.Add("::1", "", "", "", "null", "Basic x")
	f.Add("192.0.2.1", ",,,", "https, http", "a, b", "http://[::1]:80", "bearer")
	f.Add("192.0.2.1", "fe80::1%eth0", "HTTPS", "[::1]:443", "://", "Bearer  x y ")
	trusted := netip.MustParsePrefix("192.0.2.0/24")
	s := &server{Options: Options{
		Log:      slog.New(slog.DiscardHandler),
		Settings: setting.Fixed(Settings{TrustedProxies: []netip.Prefix{trusted}}),
	}}
	f.Fuzz(func(t *testing.T, socket, forwarded, proto, host, origin, authorization string) {
		at, err := netip.ParseAddr(socket)
		if err != nil {
			t.Skip()
		}
		r := httptest.NewRequest(http.MethodGet, "http://gate.example/", nil)
		r.RemoteAddr = netip.AddrPortFrom(at, 1).String()
		r.Header = http.Header{"X-Forwarded-For": {forwarded}, "X-Forwarded-Proto": {proto},
			"X-Forwarded-Host": {host},
			"Origin":           {origin}, "Authorization": {authorization}}
		peer, own := s.clientAddress(r), at.Unmap().WithZone("")
		if !peer.IsValid() || peer.Is4In6() {
			t.Errorf("the address is %v", peer)
		}
		if !trusted.Contains(own) && (peer != own || s.secure(r) ||
			!slices.Equal(s.ownOrigins(r), []string{"http://gate.example"})) {
			t.Errorf("headers of %v count: %v, %s", own, peer, s.ownOrigins(r))
		}
		if s.sameOrigin(r) && !slices.Contains(s.ownOrigins(r), pageOrigin(r)) {
			t.Errorf("%q is our own origin, which is %q", origin, s.ownOrigins(r))
		}
		if _, proxy := s.client(r); proxy && !trusted.Contains(peer) {
			t.Errorf("%v counts as a proxy", peer)
		}
		if token, given := bearer(r); len(token) > len(authorization) || token != "" && !given {
			t.Errorf("the token is %q", token)
		}
	})
}
