package upstream

import (
	"errors"
	"net/http"
	"strings"
)

// RefusedParameter reports whether err says that the server or the model does not take a
// parameter of the request. A complaint about the parameter's value is none: leaving the
// parameter out would hide a mistake in the configuration.
func RefusedParameter(err error, name string) bool {
	refused, ok := badRequest(err)
	if !ok {
		return false
	}
	detail := strings.ToLower(refused.Detail)
	if refused.Param != name && !strings.Contains(detail, name) {
		return false
	}
	return !containsAny(detail, "too large", "too high", "too low", "too small", "at most",
		"at least", "less than", "greater than", "must be between", "exceed", "out of range",
		"maximum allowed", "context length")
}

// NamedParameter reports whether err is a refusal that names this parameter beside its
// message.
func NamedParameter(err error, name string) bool {
	refused, ok := badRequest(err)
	return ok && refused.Param == name
}

// RefusedSystemRole reports whether err says that the model takes no messages with the
// role system, or none between the others. llama.cpp answers 500 if a chat template says
// so.
func RefusedSystemRole(err error) bool {
	refused, ok := badRequest(err)
	if !ok {
		return false
	}
	detail := strings.ToLower(refused.Detail)
	return containsAny(detail, "developer instruction", "roles must alternate") ||
		strings.Contains(detail, "system") &&
			containsAny(detail, "role", "system message", "system prompt", "system instruction") &&
			containsAny(detail, "not support", "unsupported", "not allowed", "not enabled",
				"invalid", "unexpected", "must be", "does not", "no system", "only", "unknown",
				"cannot", "beginning", "not permitted")
}

// badRequest returns the refusal in err if its status is one that servers give for
// requests that they do not understand.
func badRequest(err error) (*StatusError, bool) {
	var refused *StatusError
	if !errors.As(err, &refused) {
		return nil, false
	}
	switch refused.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError,
		http.StatusNotImplemented:
		return refused, true
	}
	return nil, false
}

func containsAny(s string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
