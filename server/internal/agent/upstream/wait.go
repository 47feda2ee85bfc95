package upstream

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxRetryAfter = 24 * time.Hour

// retryAfter returns how long the provider asks to wait, at most a day; zero if its
// headers name no time. It reads
//
//   - Retry-After-Ms (OpenAI) and Retry-After (RFC 9110, section 10.2.3);
//   - the reset of a limit of which nothing remains, as OpenAI, Anthropic and Groq name it
//     for each limit;
//   - X-RateLimit-Reset (OpenRouter) and RateLimit-Reset, for the only limit.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return clampWait(ms / 1000)
	}
	if v := h.Get("Retry-After"); v != "" {
		return parseWait(v)
	}
	var wait time.Duration
	for _, limit := range []struct{ remaining, reset string }{
		{"X-RateLimit-Remaining-Requests", "X-RateLimit-Reset-Requests"},
		{"X-RateLimit-Remaining-Tokens", "X-RateLimit-Reset-Tokens"},
		{"Anthropic-RateLimit-Requests-Remaining", "Anthropic-RateLimit-Requests-Reset"},
		{"Anthropic-RateLimit-Tokens-Remaining", "Anthropic-RateLimit-Tokens-Reset"},
		{"Anthropic-RateLimit-Input-Tokens-Remaining", "Anthropic-RateLimit-Input-Tokens-Reset"},
		{"Anthropic-RateLimit-Output-Tokens-Remaining", "Anthropic-RateLimit-Output-Tokens-Reset"},
	} {
		if h.Get(limit.remaining) == "0" {
			wait = max(wait, parseWait(h.Get(limit.reset)))
		}
	}
	for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} {
		if wait == 0 {
			wait = parseWait(h.Get(name))
		}
	}
	return wait
}

// The numbers from which a time is no number of seconds to wait, but one since 1970, in
// seconds or in milliseconds.
const (
	leastEpoch   = 5e8
	leastEpochMs = 1e11
)

// parseWait returns how long to wait, from a text in any of these forms: seconds ("7",
// "1.5"), a duration ("1m30s", "20ms"), a time since 1970 in seconds or milliseconds, an
// HTTP date, or RFC 3339. It returns zero for a time that is past, and for other texts.
func parseWait(s string) time.Duration {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case n >= leastEpochMs && n < leastEpochMs*leastEpoch:
			return clampWait(time.Until(time.UnixMilli(int64(n))).Seconds())
		case n >= leastEpoch && n < leastEpochMs:
			return clampWait(time.Until(time.Unix(int64(n), 0)).Seconds())
		}
		return clampWait(n)
	}
	if d, err := time.ParseDuration(s); err == nil {
		return clampWait(d.Seconds())
	}
	if t, err := http.ParseTime(s); err == nil {
		return clampWait(time.Until(t).Seconds())
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
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

// waitInText finds the time in a sentence such as "Please try again in 1m30.5s".
var waitInText = regexp.MustCompile(
	`(?i)\b(?:again|retry)\s+(?:in|after)\s+((?:\d+(?:\.\d+)?\s?(?:seconds?|minutes?|hours?|ms|h|m|s)\s?)+)`)

// unitOf spells units as time.ParseDuration reads them.
var unitOf = strings.NewReplacer("seconds", "s", "second", "s", "minutes", "m", "minute", "m",
	"hours", "h", "hour", "h", " ", "")

// waitIn returns how long a provider's message asks to wait, or zero.
func waitIn(message string) time.Duration {
	m := waitInText.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	return parseWait(unitOf.Replace(strings.ToLower(m[1])))
}

// retryAfterIn returns how long the error object of a response asks to wait, or zero:
// retry_after in seconds, the headers that OpenRouter puts into metadata, the retryDelay
// of Google's details, or the message.
func retryAfterIn(inner map[string]any, message string) time.Duration {
	wait := parseWait(lower(inner["retry_after"]))
	metadata, _ := inner["metadata"].(map[string]any)
	if headers, ok := metadata["headers"].(map[string]any); ok && wait == 0 {
		h := http.Header{}
		for name, value := range headers {
			if s := valueText(value); s != "" {
				h.Set(name, s)
			}
		}
		wait = retryAfter(h)
	}
	details, _ := inner["details"].([]any)
	for _, d := range details {
		if detail, ok := d.(map[string]any); ok && wait == 0 {
			wait = parseWait(lower(detail["retryDelay"]))
		}
	}
	if wait == 0 {
		wait = waitIn(message)
	}
	return wait
}
