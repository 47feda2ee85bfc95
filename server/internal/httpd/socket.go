package httpd

import (
	"errors"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// socket is GET /ws.
func (s *server) socket(w http.ResponseWriter, r *http.Request) {
	if !s.originAllowed(r) {
		s.Metrics.UpgradeRefused(metrics.RefusedOrigin)
		s.rejectOrigin(w, r)
		return
	}
	if s.Gateway.Draining() {
		s.Metrics.UpgradeRefused(metrics.RefusedStopping)
		fail(w, http.StatusServiceUnavailable, errStopping)
		return
	}
	address := s.address(r)
	token, authorized := bearer(r)
	err := s.Gateway.Serve(w, r, access.Peer{
		Address: address, UserAgent: r.UserAgent(), Bearer: token, Authorized: authorized, Cookie: s.credential(r),
		Proxy: s.settings(r).isTrusted(address),
	})
	var full *registry.Full
	if errors.As(err, &full) {
		fail(w, statusOfFull(full.Cause), full.Err)
	}
}

// statusOfFull is the HTTP status of a refusal for want of room: whose fault it
// is differs.
func statusOfFull(cause metrics.Refusal) int {
	if cause == metrics.RefusedAddress {
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// health is GET /health: the process lives.
func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok","protocol":3}`))
}

// ready is GET /readyz: it can serve. If not, it says why, in words for anybody.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	switch err := s.Ready(r.Context()); {
	case s.Gateway.Draining():
		writeJSON(w, http.StatusServiceUnavailable, []byte(`{"status":"draining","cause":"the gateway is stopping"}`))
	case err != nil:
		s.Log.Error("not ready", "error", err)
		body := jsontext.AppendString([]byte(`{"status":"unavailable","store":"unavailable","cause":`), s.Refusals.Cause(err))
		writeJSON(w, http.StatusServiceUnavailable, append(body, '}'))
	default:
		writeJSON(w, http.StatusOK, []byte(`{"status":"ready","store":"ok"}`))
	}
}
