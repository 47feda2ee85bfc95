package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestPages(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	user, _ := pair(t, h, protocol.Operator, "zoe", "")
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	revoked, gone := pair(t, h, protocol.Operator, "gone", "")
	if err := h.Pairings.Revoke(t.Context(), "test", gone.DeviceID, nil); err != nil {
		t.Fatal(err)
	}
	pending, _ := ask(t, h, "")
	say(t, h, "zoe", "zoes", "my words")
	say(t, h, "other", "others", "private words")
	say(t, h, "zoe", "deleted", "old words")
	if err := h.Sessions.Delete(t.Context(), session.Caller{UserID: "zoe",
		Role: protocol.Operator}.To("deleted")); err != nil {
		t.Fatal(err)
	}
	unknown := cookieName(h) + "=" + pairing.NewCredential()
	const gate, chat, login, console, notice = `data-page="pairing"`, `data-page="chat"`,
		`data-page="login"`, `data-page="admin"`, `data-page="notice"`
	for _, row := range []struct {
		name, path, cookie string
		status             int
		has                string
		hasNot             string
	}{
		{"an unknown browser", "/", "", 200, gate, "zoe"},
		{"an unknown browser, a session", "/s/zoes", "", 200, gate, "my words"},
		{"an unknown browser, no such session", "/s/none", "", 200, gate, ""},
		{"an unknown credential", "/", unknown, 200, gate, ""},
		{"a pending one", "/", pending, 200, gate, ""},
		{"a revoked one", "/s/zoes", revoked, 200, gate, "words"},
		{"a user", "/", user, 200, chat, "private words"},
		{"a user's session", "/s/zoes", user, 200, "my words", "private words"},
		{"an escaped key", "/s/%7aoes", user, 200, "my words", ""},
		{"another's session", "/s/others", user, 403, "Not yours", "private words"},
		{"another's session, an admin", "/s/others", admin, 200, "private words", ""},
		{"no such session", "/s/none", user, 404, "No such chat", ""},
		{"a deleted session", "/s/deleted", user, 404, "No such chat", "old words"},
		{"a key that is none", "/s/a%20b", user, 404, "", ""},
		{"a broken escape", "/s/%25zz", user, 404, "", ""},
		{"a deeper path", "/s/zoes/more", user, 404, notice, ""},
		{"the login page", "/login", "", 200, login, ""},
		{"the admin page, a stranger", "/admin", "", 200, login, "zoe"},
		{"the admin page, a user", "/admin", user, 403, "For admins", "boss"},
		{"the admin page, an admin", "/admin", admin, 200, console, ""},
		{"nowhere", "/nowhere", "", 404, notice, ""},
		{"nowhere, a user", "/nowhere", user, 404, notice, "zoes"},
		{"up and out", "/s/../../etc/passwd", user, 404, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := page(row.path, row.cookie).do(h)
			body := text(t, r)
			if r.StatusCode != row.status || !strings.Contains(body, row.has) {
				t.Errorf("HTTP %d, want %d with %q in %.500s", r.StatusCode, row.status, row.has, body)
			}
			if row.hasNot != "" && strings.Contains(body, row.hasNot) {
				t.Errorf("the page has %q", row.hasNot)
			}
			for _, secret := range []string{user, admin, revoked, pending} {
				if _, value, _ := strings.Cut(secret, "="); strings.Contains(body, value) {
					t.Error("the page has a credential")
				}
			}
			if r.Header.Get("Cache-Control") != "no-store" ||
				r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("headers %v", r.Header)
			}
			if len(setCookies(r)) > 0 {
				t.Errorf("a GET sets %v", setCookies(r))
			}
		})
	}
	// A link from elsewhere comes without the cookie: the shell asks the socket.
	link := page("/admin", "")
	link.header = http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}
	if body := text(t, link.do(h)); !strings.Contains(body, gate) {
		t.Errorf("a link to /admin shows %.300s", body)
	}
}

func TestPagesWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Admin, "zoe", "")
	say(t, h, "zoe", "zoes", "my words")
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/s/zoes", "/admin"} {
		r := page(path, cookie).do(h)
		if body := text(t, r); r.StatusCode != http.StatusServiceUnavailable ||
			strings.Contains(body, "store:") || strings.Contains(body, "sqlite") {
			t.Errorf("%s: HTTP %d %.300s", path, r.StatusCode, body)
		}
	}
	// Those that need no store are there.
	for _, path := range []string{"/login", "/", "/health"} {
		if r := page(path, "").do(h); r.StatusCode != http.StatusOK {
			t.Errorf("%s: HTTP %d", path, r.StatusCode)
		}
	}
}

// TestHostileText proves that texts of strangers and users are shown, not run.
func TestHostileText(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script></title></textarea><!--`
	const markdown = "# h\n\n<script>alert(3)</script>\n\n[x](javascript:alert(4)) ![i](https://tracker.example/x.png)\n\n" +
		"<img src=x onerror=alert(5)>\n\n```html\n<script>alert(6)</script>\n```\n"
	cookie, _ := pair(t, h, protocol.Admin, "zoe", evil)
	ask(t, h, evil)
	caller := session.Caller{UserID: "zoe", Role: protocol.Admin}
	say(t, h, "zoe", "zoes", evil)
	if _, err := h.Sessions.Inject(t.Context(),
		session.Caller{UserID: evil, Role: protocol.Admin}.To("zoes"), markdown, evil); err != nil {
		t.Fatal(err)
	}
	label := evil
	if _, err := h.Sessions.Patch(t.Context(), caller.To("zoes"), &label, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/s/zoes", "/", "/admin", "/admin/sessions", "/admin/clients",
		"/admin/keys", "/admin/audit", "/admin/status", "/login", "/nowhere/" +
			strings.ReplaceAll(evil, " ", "%20")} {
		body := text(t, page(path, cookie).do(h))
		for _, never := range []string{"<img src=x", "<script>alert", `href="javascript:`,
			`src="https://tracker`, "<!--", "onerror=alert(1)>"} {
			if i := strings.Index(body, never); i >= 0 {
				t.Errorf("%s has %s: …%s…", path, never, body[max(0, i-200):min(len(body), i+100)])
			}
		}
		if strings.Count(body, "</title>") != 1 {
			t.Errorf("%s has %d titles", path, strings.Count(body, "</title>"))
		}
	}
	if body := text(t, page("/s/zoes", cookie).do(h)); !strings.Contains(body, "alert(2)") ||
		!strings.Contains(body, "alert(3)") {
		t.Error("the words themselves are not shown")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Admin, "zoe", "")
	pending, _ := ask(t, h, "")
	for _, q := range []request{
		page("/", ""), page("/", cookie), page("/s/none", cookie), page("/login", ""),
		page("/admin", cookie), page("/nowhere", ""),
		page("/pair/qr.svg", pending), page("/pair/qr.svg", ""), page("/health", ""), page("/readyz", ""),
		page("/ws", ""),
		page(h.Assets.URL("app.css"), ""), page(h.Assets.URL("app.wasm"), ""),
		page("/static/none.css", ""),
		api("POST", "", "{}"), api("POST", "", "x"), api("DELETE", "", ""),
		{method: "OPTIONS", url: "/api/session", origin: base},
		{method: "PUT", url: "/"}, {method: "POST", url: "/ws"}, page("/api/none", ""),
		{url: "/ws", origin: "https://attacker.example"},
	} {
		r := q.do(h)
		name := q.method + " " + q.url
		csp := r.Header.Get("Content-Security-Policy")
		if q.url == "/admin" { // whose filters search by themselves
			if !strings.Contains(csp, "form-action 'self'") {
				t.Errorf("%s: CSP %s", name, csp)
			}
			csp = strings.Replace(csp, "form-action 'self'", "form-action 'none'", 1)
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'",
			"style-src 'self'", "frame-ancestors 'none'",
			"base-uri 'none'", "form-action 'none'", "img-src 'self' blob: data:"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: CSP without %s: %s", name, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, "'unsafe-eval'") {
			t.Errorf("%s: CSP %s", name, csp)
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		hashed := strings.HasPrefix(q.url, "/static/") && r.StatusCode == http.StatusOK
		if cache := r.Header.Get("Cache-Control"); cache != "no-store" && !hashed {
			t.Errorf("%s: HTTP %d with Cache-Control %q", name, r.StatusCode, cache)
		}
	}
	// Pages have no inline script or style, which that policy would stop.
	for _, path := range []string{"/", "/admin", "/login"} {
		body := text(t, page(path, cookie).do(h))
		for _, inline := range []string{"<style", " style=", " onclick=", "javascript:"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %s", path, inline)
			}
		}
		for _, tag := range strings.Split(body, "<script")[1:] {
			if head, _, _ := strings.Cut(tag, ">"); !strings.Contains(head, "src=") {
				t.Errorf("%s has an inline script: <script%s>", path, head)
			}
		}
	}
}

func TestMethodsOfAddresses(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	for _, row := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"HEAD", "/", 200, ""}, {"HEAD", "/health", 200, ""}, {"HEAD", "/readyz", 200, ""},
		{"HEAD", "/login", 200, ""},
		{"HEAD", h.Assets.URL("app.css"), 200, ""}, {"HEAD", "/nowhere", 404, ""},
		{"HEAD", "/pair/qr.svg", 404, ""},
		{"GET", "/nowhere", 404, ""}, {"GET", "/static/app.css", 404, ""}, {"GET", "/static/", 404, ""},
		{"GET", "/favicon.ico", 404, ""},
		{"POST", "/", 405, "GET, HEAD"}, {"DELETE", "/s/key", 405, "GET, HEAD"},
		{"PUT", "/health", 405, "GET, HEAD"},
		{"POST", "/ws", 405, "GET, HEAD"}, {"GET", "/api/session", 405, "POST, DELETE"},
		{"PUT", "/api/session", 405, "POST, DELETE"},
		{"BREW", "/", 405, "GET, HEAD"}, {"BREW", "/nowhere", 404, ""}, {"BREW", "/v1/nowhere", 404, ""}, {"GET", "/ws", 426, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), row.method, server.URL+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body := text(t, answer)
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
		if answer.StatusCode != row.status || answer.Header.Get("Allow") != row.allow {
			t.Errorf("%s %s: HTTP %d, Allow %q; want %d, %q", row.method, row.path, answer.StatusCode,
				answer.Header.Get("Allow"), row.status, row.allow)
		}
		if row.method == "HEAD" && body != "" {
			t.Errorf("%s %s has a body", row.method, row.path)
		}
		if row.status == 405 && !strings.HasPrefix(body, `{"error":{`) {
			t.Errorf("%s %s: %.100s", row.method, row.path, body)
		}
	}
	wantError(t, page("/api/none", "").do(h), http.StatusNotFound, protocol.NotFound)
}

func TestAssets(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	body := text(t, page("/", "").do(h))
	for name, kind := range map[string]string{
		"app.css": "text/css; charset=utf-8", "boot.js": "text/javascript; charset=utf-8",
		"app.wasm":     "application/wasm",
		"wasm_exec.js": "text/javascript; charset=utf-8", "favicon.svg": "image/svg+xml",
	} {
		url := h.Assets.URL(name)
		r := page(url, "").do(h)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != kind ||
			!strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: HTTP %d, %v", name, r.StatusCode, r.Header)
		}
		if !strings.Contains(body, url) {
			t.Errorf("the page does not name %s", url)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	if r := page("/health", "").do(h); r.StatusCode != http.StatusOK ||
		strings.TrimSpace(text(t, r)) != `{"status":"ok","protocol":3}` {
		t.Errorf("/health: HTTP %d", r.StatusCode)
	}
	if r := page("/readyz", "").do(h); r.StatusCode != http.StatusOK ||
		!strings.Contains(text(t, r), `"ready"`) {
		t.Errorf("/readyz: HTTP %d", r.StatusCode)
	}
	h.Gateway.Drain(0)
	if r := page("/readyz", "").do(h); r.StatusCode != http.StatusServiceUnavailable ||
		!strings.Contains(text(t, r), "draining") {
		t.Errorf("/readyz while draining: HTTP %d", r.StatusCode)
	}
	if r := page("/ws", "").do(h); r.StatusCode != http.StatusServiceUnavailable ||
		r.Header.Get("Retry-After") == "" {
		t.Errorf("/ws while draining: HTTP %d, %v", r.StatusCode, r.Header)
	}
	if r := page("/health", "").do(h); r.StatusCode != http.StatusOK {
		t.Errorf("/health while draining: HTTP %d", r.StatusCode)
	}
	failing := httpdtest.New(t, httpdtest.Options{})
	if err := failing.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := page("/readyz", "").do(failing); r.StatusCode != http.StatusServiceUnavailable ||
		!strings.Contains(text(t, r), `"unavailable"`) {
		t.Errorf("/readyz without a store: HTTP %d", r.StatusCode)
	}
}

func TestQR(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	pending, code := ask(t, h, "")
	approved, _ := pair(t, h, protocol.Admin, "zoe", "")
	r := page("/pair/qr.svg", pending).do(h)
	svg := text(t, r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/svg+xml" ||
		!strings.HasPrefix(svg, "<svg ") {
		t.Fatalf("HTTP %d, %v: %.200s", r.StatusCode, r.Header, svg)
	}
	if strings.Contains(svg, code) || strings.Contains(svg, "<script") ||
		strings.Contains(svg, "style") {
		t.Errorf("the picture has more than a picture: %.300s", svg)
	}
	for name, cookie := range map[string]string{"none": "", "an approved one": approved,
		"an unknown one": cookieName(h) + "=" + pairing.NewCredential()} {
		if r := page("/pair/qr.svg", cookie).do(h); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", name, r.StatusCode)
		}
	}
	foreign := page("/pair/qr.svg", pending)
	foreign.origin = "https://attacker.example"
	if r := foreign.do(h); r.StatusCode != http.StatusNotFound {
		t.Errorf("a foreign page: HTTP %d", r.StatusCode)
	}
	// No request is filed by looking.
	list, err := h.Pairings.List(t.Context())
	if err != nil || len(list.Pending) != 1 {
		t.Errorf("%d pending, %v", len(list.Pending), err)
	}
}
