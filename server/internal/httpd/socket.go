package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// socket is GET /ws.
func (s *server) socket(w http.ResponseWriter, r *http.Request) {
	if !s.originAllowed(r) {
		s.rejectOrigin(w, r)
		return
	}
	if s.Gateway.Draining() {
		fail(w, http.StatusServiceUnavailable, &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: 2000,
			Message: "the gateway is stopping: try again"})
		return
	}
	s.Gateway.Serve(w, r, gateway.Peer{
		Address: s.address(r), UserAgent: r.UserAgent(), Bearer: bearer(r), Cookie: s.credential(r),
	})
}

// bearer is the token of an Authorization header, or "" (RFC 6750 §2.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
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
		body := jsontext.AppendString([]byte(`{"status":"unavailable","store":"unavailable","cause":`), gateway.Cause(err))
		writeJSON(w, http.StatusServiceUnavailable, append(body, '}'))
	default:
		writeJSON(w, http.StatusOK, []byte(`{"status":"ready","store":"ok"}`))
	}
}
