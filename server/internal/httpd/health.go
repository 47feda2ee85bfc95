package httpd

import (
	"net/http"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// health is GET /health: the process is alive.
func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok","protocol":3}`))
}

// ready is GET /readyz: the gateway can serve. If not, the answer says why, without
// details.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	switch err := s.Ready(r.Context()); {
	case s.Gateway.Draining():
		writeJSON(w, http.StatusServiceUnavailable,
			[]byte(`{"status":"draining","cause":"the gateway is stopping"}`))
	case err != nil:
		s.Log.Error("not ready", "error", err)
		body := jsontext.AppendString([]byte(`{"status":"unavailable","store":"unavailable","cause":`),
			s.Refusals.Cause(err))
		writeJSON(w, http.StatusServiceUnavailable, append(body, '}'))
	default:
		writeJSON(w, http.StatusOK, []byte(`{"status":"ready","store":"ok"}`))
	}
}
