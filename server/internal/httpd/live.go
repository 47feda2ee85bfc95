package httpd

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Live is what may change while the gateway serves. One that is in force is
// never written to: a change puts another in its place, and a request sees one
// or the other, whole.
type Live struct {
	Agents         []protocol.Agent // the default one first
	AllowedOrigins []string         // scheme://host[:port], or "*"
	TrustedProxies []netip.Prefix
	PublicURL      string        // under which people reach us; empty: as they came
	HSTS           time.Duration // for how long browsers are told to come over TLS alone; 0: not at all
}

// liveKey is under which a request's context has its Live.
type liveKey struct{}

// settled makes one Live that of the whole request.
func (s *server) settled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), liveKey{}, s.Live())))
	})
}

// live is what holds for the request.
func (s *server) live(r *http.Request) *Live {
	if l, ok := r.Context().Value(liveKey{}).(*Live); ok {
		return l
	}
	return s.Live()
}

// publicOrigin is the origin of PublicURL, or "".
func (l *Live) publicOrigin() string {
	u, err := url.Parse(l.PublicURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return origin(u.Scheme, u.Host)
}
