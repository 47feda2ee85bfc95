package httpd

import (
	"net/http"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// serveMetrics is GET /metrics, which needs the role admin.
func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if _, err := s.requireRole(r, protocol.Admin); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Metrics.Handler().ServeHTTP(w, r)
}
