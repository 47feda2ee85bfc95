package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
)

func TestRedirect(t *testing.T) {
	t.Parallel()
	covers := func(host string) bool {
		return slices.Contains([]string{"chat.example.com", "alt.example.com", "2001:db8::1"}, host)
	}
	for _, row := range []struct {
		port, public, host, path string
		status                   int
		location                 string
	}{
		{"443", "", "chat.example.com", "/s/a?b=c%2Fd", 308, "https://chat.example.com/s/a?b=c%2Fd"},
		{"443", "", "chat.example.com:80", "/", 308, "https://chat.example.com/"},
		{"8443", "", "chat.example.com", "/", 308, "https://chat.example.com:8443/"},
		{"443", "", "192.0.2.1", "/", 421, ""},
		{"443", "", "evil.example", "/x", 421, ""},
		{"443", "https://chat.example.com", "evil.example", "/x?y=z", 308,
			"https://chat.example.com/x?y=z"},
		{"443", "https://chat.example.com", "evil.example/x?", "/", 308, "https://chat.example.com/"},
		{"8443", "", "[2001:db8::1]:80", "/", 308, "https://[2001:db8::1]:8443/"},
		{"8443", "https://chat.example.com", "chat.example.com:80", "/", 308,
			"https://chat.example.com/"},
		{"443", "http://chat.example.com", "chat.example.com", "/", 308, "https://chat.example.com/"},
		{"443", "http://chat.example.com", "evil.example", "/", 421, ""},
		{"8443", "https://chat.example.com", "192.0.2.1", "/x", 308, "https://chat.example.com/x"},
		{"8443", "https://chat.example.com", "alt.example.com", "/", 308,
			"https://alt.example.com:8443/"},
		{"443", "", "chat.example.com", "//evil.example/x", 308,
			"https://chat.example.com//evil.example/x"},
		{"443", "https://example.com/chat", "example.com", "/", 308, "https://example.com/chat/"},
		{"443", "https://example.com/chat", "192.0.2.1", "/s/a?b", 308, "https://example.com/chat/s/a?b"},
		{"443", "https://example.com/chat", "example.com", "/chat/s/a?b", 308,
			"https://example.com/chat/s/a?b"},
		{"443", "https://example.com/chat", "example.com", "/chat?b", 308, "https://example.com/chat?b"},
		{"443", "https://example.com/chat", "example.com", "/chatter", 308,
			"https://example.com/chat/chatter"},
		{"443", "https://example.com/chat", "chat.example.com", "/x", 308, "https://chat.example.com/x"},
		{"443", "", "", "/", 421, ""},
		{"443", "", "chat.example.com@evil.example", "/", 421, ""},
		{"443", "", "evil.example/x?", "/", 421, ""},
		{"443", "", "chat.example.com#", "/", 421, ""},
	} {
		h := httpd.Redirect(httpd.RedirectOptions{Port: row.port, Covers: covers,
			PublicURL: func() string { return row.public }})
		for method, status := range map[string]int{http.MethodGet: row.status,
			http.MethodHead: row.status, http.MethodPost: max(row.status, 400)} {
			r := httptest.NewRequest(method, "http://x"+row.path, nil)
			r.URL.Path, r.URL.RawPath = row.path, ""
			r.URL, _ = r.URL.Parse("http://x" + row.path)
			r.URL.Host, r.Host = "", row.host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if method == http.MethodPost && row.status == 308 {
				status = http.StatusForbidden
			}
			location := row.location
			if method == http.MethodPost {
				location = ""
			}
			if w.Code != status || w.Header().Get("Location") != location ||
				w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s %s: %d to %q, want %d to %q", method, row.host, row.path, w.Code,
					w.Header().Get("Location"), status, location)
			}
		}
	}
}
