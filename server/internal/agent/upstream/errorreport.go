package upstream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxDetailRunes    = 300
	defaultRetryAfter = 5 * time.Second
	maxRetryAfter     = 24 * time.Hour
)

// errorReport is what a provider says about a failed request, parsed from any known
// format.
type errorReport struct {
	status     int
	kind, code string // the error's "type" and "code", in lower case
	detail     string // the provider's message, for operators
	structured bool   // whether the response was JSON with an error in it
	retryAfter time.Duration
}

// StatusError is the cause of an [agent.Error] after a refusal, for operators: what the
// server answered, without secrets.
type StatusError struct {
	Status int    // HTTP status; 200 for an error within a stream
	Detail string // the provider's message, shortened
}

func (e *StatusError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("HTTP %d", e.Status)
	}
	return fmt.Sprintf("HTTP %d: %s", e.Status, e.Detail)
}

// parseErrorReport reads the formats of these servers:
//
//   - OpenAI, Anthropic, Ollama and llama.cpp: {"error":{…}} or {"error":"…"}
//   - vLLM: {"object":"error",…}
//   - FastAPI: {"detail":…}
//   - Gemini: [{"error":{…}}]
func parseErrorReport(status int, header http.Header, text []byte) errorReport {
	p := errorReport{status: status, detail: shorten(string(text)), retryAfter: retryAfter(header)}
	var v any
	if json.Unmarshal(text, &v) != nil {
		return p
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	object, _ := v.(map[string]any)
	switch inner := object["error"].(type) {
	case map[string]any:
		p.structured = true
		p.kind, p.code = lower(inner["type"]), lower(inner["code"])
		p.detail = cmp.Or(shortText(inner["message"]), p.detail)
	case string:
		p.structured = true
		p.detail = shorten(inner)
	case nil:
		p.structured = object["detail"] != nil || object["object"] == "error"
		p.kind, p.code = lower(object["type"]), lower(object["code"])
		p.detail = cmp.Or(shortText(object["detail"]), shortText(object["message"]), p.detail)
	}
	return p
}

// mentions reports whether the message, type or code contains one of the fragments, which
// must be in lower case.
func (p errorReport) mentions(fragments ...string) bool {
	all := p.kind + " " + p.code + " " + strings.ToLower(p.detail)
	for _, f := range fragments {
		if strings.Contains(all, f) {
			return true
		}
	}
	return false
}

// shortText returns v shortened if it is a string, else "".
func shortText(v any) string {
	s, _ := v.(string)
	return shorten(s)
}

// lower returns a string or a number as text in lower case, and "" for any other value.
func lower(v any) string {
	switch v := v.(type) {
	case string:
		return strings.ToLower(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return ""
	}
}

// shorten returns s on one line, without control characters and with at most
// maxDetailRunes characters.
func shorten(s string) string {
	var b strings.Builder
	n := 0
	for _, field := range strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		if n > 0 {
			b.WriteByte(' ')
			n++
		}
		for _, r := range field {
			if n++; n > maxDetailRunes {
				return b.String() + "…"
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// retryAfter returns how long the provider asks to wait, at most a day; zero if it names
// no time. It reads Retry-After-Ms (OpenAI) and Retry-After (RFC 9110, section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return clampWait(ms / 1000)
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return clampWait(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return clampWait(time.Until(t).Seconds())
	}
	return 0
}

func clampWait(seconds float64) time.Duration {
	switch {
	case !(seconds > 0): // NaN, too
		return 0
	case seconds > maxRetryAfter.Seconds():
		return maxRetryAfter
	default:
		return time.Duration(seconds * float64(time.Second))
	}
}
