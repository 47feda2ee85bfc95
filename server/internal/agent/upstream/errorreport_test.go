package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // for a clock that stands still
		for _, c := range []struct {
			name, value string
			want        time.Duration
		}{
			{"Retry-After", "", 0},
			{"Retry-After", "7", 7 * time.Second},
			{"Retry-After", "1.5", 1500 * time.Millisecond},
			{"Retry-After", "0", 0},
			{"Retry-After", "-3", 0},
			{"Retry-After", "NaN", 0},
			{"Retry-After", "+Inf", 24 * time.Hour},
			{"Retry-After", "1e300", 24 * time.Hour},
			{"Retry-After", "soon", 0},
			{"Retry-After", time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat),
				90 * time.Second},
			{"Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0},
			{"Retry-After-Ms", "250", 250 * time.Millisecond},
			{"Retry-After", "1m30s", 90 * time.Second},
			{"Retry-After", time.Now().Add(90 * time.Second).UTC().Format(time.RFC3339), 90 * time.Second},
			{"X-RateLimit-Reset", "12", 12 * time.Second},
			{"X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10), time.Minute},
			{"X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10),
				time.Minute},
			{"X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(-time.Minute).UnixMilli(), 10), 0},
			{"X-RateLimit-Reset", "never", 0},
			{"RateLimit-Reset", "3", 3 * time.Second},
			{"X-RateLimit-Reset-Requests", "1m", 0}, // of a limit that may have requests left
		} {
			h := http.Header{}
			h.Set(c.name, c.value)
			if got := retryAfter(h); got != c.want {
				t.Errorf("%s: %s is %v, want %v", c.name, c.value, got, c.want)
			}
		}
	})
}

// Of several limits, the one counts of which nothing remains.
func TestRetryAfterOfTheLimit(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	h.Set("X-RateLimit-Remaining-Requests", "12")
	h.Set("X-RateLimit-Reset-Requests", "1h")
	h.Set("X-RateLimit-Remaining-Tokens", "0")
	h.Set("X-RateLimit-Reset-Tokens", "6m0s")
	if got := retryAfter(h); got != 6*time.Minute {
		t.Errorf("retryAfter is %v", got)
	}
}

func TestWaitIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"Please try again in 20s.":                       20 * time.Second,
		"Please try again in 1m30.5s. Visit":             90500 * time.Millisecond,
		"Please try again in 200ms.":                     200 * time.Millisecond,
		"Please retry in 34.07s.":                        34070 * time.Millisecond,
		"try again after 2 minutes":                      2 * time.Minute,
		"Try again in 1 hour and":                        time.Hour,
		"Try again later.":                               0,
		"Used 20s of 30s":                                0,
		"again in 99999999999999999999999999999999hours": 0,
	} {
		if got := waitIn(text); got != want {
			t.Errorf("waitIn(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{" one\n\ttwo\x1b[31m\x00 ", "one two [31m"},
		{"a\xff", "a\uFFFD"},
		{strings.Repeat("ü", 300), strings.Repeat("ü", 300)},
		{strings.Repeat("ü", 301), strings.Repeat("ü", 300) + "…"},
	} {
		if got := shorten(c.in); got != c.want {
			t.Errorf("shorten(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestDurationText(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Minute: "a minute", 10 * time.Minute: "10 minutes", 90 * time.Second: "90 seconds",
		time.Second: "a second", time.Hour: "an hour", 1500 * time.Millisecond: "1.5s",
	} {
		if got := durationText(d); got != want {
			t.Errorf("durationText(%v) = %q, want %q", d, got, want)
		}
	}
}

func FuzzErrorReport(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "[[]]", `"text"`, `{"error":"no"}`,
		`{"error":{"message":"no","type":1,"code":[]}}`,
		`{"error":{"message":{"a":"b"}}}`, `[{"error":{"code":400}}]`, `{"detail":[{"msg":"no"}]}`,
		`{"object":"error","message":"no"}`,
	} {
		f.Add(400, []byte(seed))
	}
	s, err := New(Config{API: "the API", BaseURL: "http://127.0.0.1:1", Model: "m",
		APIKey: "secret"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		e := s.explainStatus(status, nil, text)
		if e.Message == "" || e.Code == "" || e.Cause == nil {
			t.Errorf("%q is explained as %+v", text, e)
		}
		if printed := e.Error(); !utf8.ValidString(printed) ||
			strings.Contains(printed, "secret") || strings.ContainsAny(printed, "\n\x00") ||
			utf8.RuneCountInString(printed) > 1000 {
			t.Errorf("%q is explained as %q", text, printed)
		}
	})
}
