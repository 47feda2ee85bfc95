package httpd_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestCookieOverTLS checks that a cookie from plain HTTP, which an attacker on the
// network may have read or set, is not valid over TLS, and is removed soon.
func TestCookieOverTLS(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	plain, _ := pair(t, h, protocol.Operator, "somebody", "")
	secure := "__Host-" + plain
	const over = "https://gate.example"
	for _, row := range []struct {
		name, url, cookie string
		opens             bool
	}{
		{"plain, over plain HTTP", base + "/", plain, true},
		{"plain, over TLS", over + "/", plain, false},
		{"prefixed, over TLS", over + "/", secure, true},
		{"prefixed, over plain HTTP", base + "/", secure, false},
		{"both, over TLS", over + "/", "x=y; " + plain + "x; " + secure, true},
	} {
		if opened := strings.Contains(text(t, page(row.url, row.cookie).do(h)),
			"somebody"); opened != row.opens {
			t.Errorf("%s: opens %v, want %v", row.name, opened, row.opens)
		}
	}
	ask := request{method: http.MethodPost, url: over + "/api/session", origin: over, cookie: plain,
		header: http.Header{"Content-Type": {"application/json"}}}
	cookies := ask.do(h).Cookies()
	if len(cookies) != 2 || cookies[0].Name != "__Host-"+cookieName(h) ||
		strings.HasSuffix(plain, cookies[0].Value) ||
		cookies[1].Name != cookieName(h) || cookies[1].MaxAge >= 0 || cookies[1].Value != "" {
		t.Errorf("over TLS a browser with the cookie of plain HTTP gets %v", cookies)
	}
}

// TestEmbeddingNeedsNoCookie checks that a page of another origin cannot make a browser
// read its user's data, which would also write to the audit log.
func TestEmbeddingNeedsNoCookie(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Admin, "boss", "")
	for _, row := range []struct {
		site, mode string
		status     int
	}{
		{"same-site", "no-cors", http.StatusUnauthorized},
		{"cross-site", "no-cors", http.StatusUnauthorized},
		{"same-site", "navigate", http.StatusOK},
		{"same-origin", "no-cors", http.StatusOK},
		{"none", "navigate", http.StatusOK},
	} {
		r := page("/admin/audit.csv", cookie)
		r.header = http.Header{"Sec-Fetch-Site": {row.site}, "Sec-Fetch-Mode": {row.mode}}
		if got := r.do(h).StatusCode; got != row.status {
			t.Errorf("%s, %s: HTTP %d, want %d", row.site, row.mode, got, row.status)
		}
	}
}
