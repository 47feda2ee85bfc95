package httpd

import (
	"errors"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
)

// webSocket is GET /ws.
func (s *server) webSocket(w http.ResponseWriter, r *http.Request) {
	if !s.originAllowed(r) {
		s.Metrics.UpgradeRefused(metrics.RefusedOrigin)
		s.rejectOrigin(w, r)
		return
	}
	if s.Gateway.Draining() {
		s.Metrics.UpgradeRefused(metrics.RefusedStopping)
		writeError(w, http.StatusServiceUnavailable, errStopping)
		return
	}
	address, proxy := s.client(r)
	token, authorized := bearer(r)
	err := s.Gateway.Serve(w, r, access.Peer{
		Address: address, UserAgent: r.UserAgent(), Bearer: token, Authorized: authorized,
		Cookie: s.credential(r),
		Proxy:  proxy,
	})
	var full *registry.Full
	if errors.As(err, &full) {
		writeError(w, statusOfFull(full.Cause), full.Err)
	}
}

// statusOfFull is the HTTP status if there are too many connections: 429 if the address
// has too many, 503 if the gateway has.
func statusOfFull(cause metrics.Refusal) int {
	if cause == metrics.RefusedAddress {
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}
