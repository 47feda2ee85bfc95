package httpd

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

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
		cause := s.Refusals.Cause(err)
		if r.Context().Err() == nil { // else the probe did not wait for the store
			s.readiness.failed(s.Log, cause, err)
		}
		body := jsontext.AppendString([]byte(`{"status":"unavailable","store":"unavailable","cause":`),
			cause)
		writeJSON(w, http.StatusServiceUnavailable, append(body, '}'))
	default:
		s.readiness.restored(s.Log)
		writeJSON(w, http.StatusOK, []byte(`{"status":"ready","store":"ok"}`))
	}
}

// notReadyInterval is the interval between two log lines about the same outage. Probes
// come every few seconds.
const notReadyInterval = 10 * time.Minute

// readiness keeps what the log says about the answers to GET /readyz: an outage has one
// line at its start and one at its end, however often probes come.
type readiness struct {
	// mu guards the following fields.
	mu     sync.Mutex
	cause  string    // the logged one; empty: the gateway is ready
	since  time.Time // when the outage was first noticed
	logged time.Time // when cause was logged last
}

// failed logs an outage, unless the log has the same one already.
func (r *readiness) failed(log *slog.Logger, cause string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.cause == "" {
		r.since = now
	}
	if cause == r.cause && now.Sub(r.logged) < notReadyInterval {
		return
	}
	r.cause, r.logged = cause, now
	log.Error("not ready", "error", err, "for", now.Sub(r.since).Round(time.Second))
}

// restored logs the end of an outage that the log has.
func (r *readiness) restored(log *slog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == "" {
		return
	}
	log.Info("ready again", "problem", r.cause, "for", time.Since(r.since).Round(time.Second))
	r.cause = ""
}
