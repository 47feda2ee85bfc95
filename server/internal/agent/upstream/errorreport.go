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
)

// errorReport is what a provider says about a failed request, parsed from any known
// format.
type errorReport struct {
	status     int
	kind, code string // the error's "type" and "code", in lower case
	param      string // the request's parameter that it is about, in lower case
	detail     string // the provider's message, for operators
	structured bool   // whether the response was JSON with an error in it
	retryAfter time.Duration
}

// StatusError is the cause of an [agent.Error] after a refusal, for operators: what the
// server answered, without secrets.
type StatusError struct {
	Status int    // HTTP status; of an error within a stream, what its code stands for, or 200
	Detail string // the provider's message, shortened
	Param  string // the parameter that the provider names beside the message, in lower case
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
//   - Cohere: {"message":…}
//   - Gemini: [{"error":{…}}]
//   - OpenRouter: {"error":{…,"metadata":{"raw":…}}}, with the text of the provider behind
//     it
//
// An error within a successful response has the status that its code stands for.
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
		p.read(inner)
	case string:
		p.structured = true
		p.detail = shorten(inner)
		p.code = lower(object["code"])
		if p.retryAfter == 0 {
			p.retryAfter = retryAfterIn(object, inner)
		}
	default:
		p.structured = object["detail"] != nil || object["object"] == "error" ||
			valueText(object["message"]) != ""
		p.read(object)
	}
	if p.status == http.StatusOK {
		p.status = cmp.Or(statusOf(p.code), statusOf(lower(object["code"])),
			statusOf(lower(object["status"])), statusOf(p.kind), http.StatusOK)
	}
	return p
}

// read reads an error object.
func (p *errorReport) read(inner map[string]any) {
	p.kind, p.code, p.param = lower(inner["type"]), lower(inner["code"]), lower(inner["param"])
	p.detail = cmp.Or(shorten(fieldErrors(inner["detail"])), shortText(inner["detail"]),
		shortText(inner["message"]), p.detail)
	if metadata, ok := inner["metadata"].(map[string]any); ok {
		if raw := valueText(metadata["raw"]); raw != "" {
			p.detail = shorten(p.detail + " " + raw)
		}
	}
	if p.retryAfter == 0 {
		p.retryAfter = retryAfterIn(inner, valueText(inner["message"]))
	}
	if status := statusOf(lower(inner["status"])); statusOf(p.code) == 0 && status != 0 {
		p.code = strconv.Itoa(status)
	}
}

// fieldErrors returns FastAPI's list of bad fields as text: each with its path and what
// is wrong, without the values, which may quote the whole request.
func fieldErrors(detail any) string {
	list, _ := detail.([]any)
	var texts []string
	for _, item := range list {
		object, _ := item.(map[string]any)
		path, _ := object["loc"].([]any)
		var names []string
		for _, name := range path {
			names = append(names, valueText(name))
		}
		texts = append(texts, strings.Join(names, ".")+": "+valueText(object["msg"]))
	}
	return strings.Join(texts, "; ")
}

// statuses are the HTTP statuses that codes and types of errors stand for, by the
// beginning of the code in lower case.
var statuses = []struct {
	prefix string
	status int
}{
	{"invalid_api_key", http.StatusUnauthorized}, {"authentication", http.StatusUnauthorized},
	{"unauthenticated", http.StatusUnauthorized}, {"unauthorized", http.StatusUnauthorized},
	{"permission", http.StatusForbidden}, {"forbidden", http.StatusForbidden},
	{"billing", http.StatusPaymentRequired}, {"insufficient_quota", http.StatusPaymentRequired},
	{"insufficient_credits", http.StatusPaymentRequired},
	{"rate_limit", http.StatusTooManyRequests}, {"ratelimit", http.StatusTooManyRequests},
	{"resource_exhausted", http.StatusTooManyRequests},
	{"too_many_requests", http.StatusTooManyRequests},
	{"model_not_found", http.StatusNotFound}, {"not_found", http.StatusNotFound},
	{"notfound", http.StatusNotFound},
	{"request_too_large", http.StatusRequestEntityTooLarge},
	{"invalid_request", http.StatusBadRequest}, {"invalid_argument", http.StatusBadRequest},
	{"bad_request", http.StatusBadRequest}, {"badrequest", http.StatusBadRequest},
	{"overloaded", http.StatusServiceUnavailable}, {"unavailable", http.StatusServiceUnavailable},
	{"timeout", http.StatusGatewayTimeout}, {"deadline_exceeded", http.StatusGatewayTimeout},
}

// statusOf returns the HTTP status that an error's code or type stands for, or 0.
func statusOf(code string) int {
	if n, err := strconv.Atoi(code); err == nil {
		if n >= 400 && n < 600 {
			return n
		}
		return 0
	}
	for _, s := range statuses {
		if strings.HasPrefix(code, s.prefix) {
			return s.status
		}
	}
	return 0
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

// valueText returns a string or a number as text, and "" for any other value.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return ""
	}
}

// lower returns a string or a number as text in lower case, and "" for any other value.
func lower(v any) string { return strings.ToLower(valueText(v)) }

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
