package upstream

import (
	"errors"
	"net/http"
	"strings"
)

// RefusedImages reports whether err says that the server or the model refused a request
// because of its images. The status differs: llama.cpp answers 500 if it has no
// projector, OpenRouter 404, vLLM 400, and strict parsers 422.
func RefusedImages(err error) bool {
	var refused *StatusError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented:
	default:
		return false
	}
	detail := strings.ToLower(refused.Detail)
	for _, word := range []string{"image", "vision", "multimodal", "multi-modal", "modalit",
		"mmproj"} {
		if strings.Contains(detail, word) {
			return true
		}
	}
	return false
}
