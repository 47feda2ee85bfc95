package upstream

import (
	"errors"
	"net/http"
	"strings"
)

// RefusedImages recognises servers, and models, that refuse a request because there are images in it: llama.cpp
// answers 500 without a projector, OpenRouter 404, vLLM 400, strict parsers 422.
func RefusedImages(err error) bool {
	var refused *StatusError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusNotImplemented:
	default:
		return false
	}
	detail := strings.ToLower(refused.Detail)
	for _, word := range []string{"image", "vision", "multimodal", "multi-modal", "modalit", "mmproj"} {
		if strings.Contains(detail, word) {
			return true
		}
	}
	return false
}
