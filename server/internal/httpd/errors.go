package httpd

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// httpError is a refusal whose status does not follow from its code.
type httpError struct {
	status int
	cause  *protocol.Error
}

func (e *httpError) Error() string { return e.cause.Error() }

func (e *httpError) Unwrap() error { return e.cause }

// statusOf is the HTTP status of an error code.
func statusOf(code protocol.Code) int {
	switch code {
	case protocol.InvalidRequest:
		return http.StatusBadRequest
	case protocol.Unauthorized, protocol.NotPaired:
		return http.StatusUnauthorized
	case protocol.Forbidden:
		return http.StatusForbidden
	case protocol.NotFound:
		return http.StatusNotFound
	case protocol.AlreadyExists, protocol.FailedPrecondition:
		return http.StatusConflict
	case protocol.ResourceExhausted:
		return http.StatusTooManyRequests
	case protocol.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// errStopping refuses requests while the gateway stops.
var errStopping = &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: 2000,
	Message: "the gateway is stopping: try again"}

// refuse answers a request with the error, as {"error":{…}}.
func (s *server) refuse(w http.ResponseWriter, _ *http.Request, err error) {
	var special *httpError
	if errors.As(err, &special) {
		writeError(w, special.status, special.cause)
		return
	}
	refusal := s.Refusals.Refusal(err)
	writeError(w, statusOf(refusal.Code), refusal)
}

// writeError answers with {"error":{…}}, as the protocol encodes errors.
func writeError(w http.ResponseWriter, status int, e *protocol.Error) {
	// RFC 9110 §15.5.2, RFC 6750 §3; no browser asks for a password
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="gatehouse"`)
	}
	if e.RetryAfterMs > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt((e.RetryAfterMs+999)/1000, 10))
	}
	body := append([]byte(`{"error":`), e.AppendJSON(nil)...)
	writeJSON(w, status, append(body, '}'))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // #nosec G705 -- JSON, and said to be; an error means that the client is gone
}
