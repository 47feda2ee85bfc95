package httpd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The regular expressions of the highlighter have a clock goroutine that ends a second
// after their last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// base is the URL of a test's gateway.
const base = "http://gate.example:8080"

// request is a request to make. Its zero fields are as in a program's request.
type request struct {
	method string // GET if empty
	url    string // base if it begins with a slash
	from   string // socket's address
	origin string
	cookie string
	body   string
	header http.Header
}

func (q request) do(h http.Handler) *http.Response {
	if strings.HasPrefix(q.url, "/") {
		q.url = base + q.url
	}
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r := httptest.NewRequest(q.method, q.url, body)
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.origin != "" {
		r.Header.Set("Origin", q.origin)
	}
	if q.cookie != "" {
		r.Header.Add("Cookie", q.cookie)
	}
	r.RemoteAddr = "192.0.2.1:1234"
	if q.from != "" {
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(q.from), 4321).String()
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// page is a GET for a page, as a browser makes it.
func page(path, cookie string) request { return request{url: path, cookie: cookie} }

// api is a request to /api/session, as a page of the gateway makes it.
func api(method, cookie, body string) request {
	q := request{method: method, url: "/api/session", origin: base, cookie: cookie, body: body,
		header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
	if method == http.MethodPost {
		q.header.Set("Content-Type", "application/json")
	}
	return q
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantError checks that the answer is an error as the protocol encodes it.
func wantError(t testing.TB, r *http.Response, status int, code protocol.Code) {
	t.Helper()
	var body struct{ Error protocol.Error }
	raw := text(t, r)
	if err := json.Unmarshal([]byte(raw), &body); err != nil || r.StatusCode != status ||
		body.Error.Code != code || body.Error.Message == "" {
		t.Errorf("HTTP %d %s; want %d with %s and a sentence", r.StatusCode, raw, status, code)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
}

// cookieName is that of the gateway's cookie.
func cookieName(h *httpdtest.Server) string { return "gatehouse_" + h.Store.InstanceID() }

// pair pairs a device and gives its cookie.
func pair(t testing.TB, h *httpdtest.Server, role protocol.Role, user,
	userAgent string) (cookie string, d protocol.PairedDevice) {
	t.Helper()
	cookie, code := ask(t, h, userAgent)
	a, err := h.Pairings.Approve(t.Context(), "test",
		protocol.DeviceApproveParams{Code: code, Role: role, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	return cookie, a.Device
}

// ask requests pairing, each time from another address.
func ask(t testing.TB, h *httpdtest.Server, userAgent string) (cookie, code string) {
	t.Helper()
	secret := pairing.NewCredential()
	at := netip.AddrFrom4([4]byte{10, byte(time.Now().UnixNano() >> 24),
		byte(time.Now().UnixNano() >> 16), byte(time.Now().UnixNano() >> 8)})
	pending, err := h.Pairings.Request(t.Context(),
		pairing.Requester{Secret: secret, Address: at, UserAgent: userAgent})
	if err != nil {
		t.Fatal(err)
	}
	return cookieName(h) + "=" + secret, pending.Code
}

// say makes a session with one message in it.
func say(t testing.TB, h *httpdtest.Server, user, key, message string) {
	t.Helper()
	caller := session.Caller{UserID: user, Role: protocol.Operator}
	if _, err := h.Sessions.Send(t.Context(), caller.To(key),
		session.SendRequest{DefaultAgent: "default", Message: message}); err != nil {
		t.Fatal(err)
	}
}

// setCookies gives the cookies that an answer sets.
func setCookies(r *http.Response) []string { return r.Header.Values("Set-Cookie") }

func TestCookie(t *testing.T) {
	t.Parallel()
	proxied := httpdtest.Options{Hosts: []string{"chat.example"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	for _, row := range []struct {
		name    string
		options httpdtest.Options
		q       request
		secure  bool
	}{
		{"plain", httpdtest.Options{}, api("POST", "", "{}"), false},
		{"without a body", httpdtest.Options{}, api("POST", "", ""), false},
		{"of a program", httpdtest.Options{}, request{method: "POST", url: "/api/session",
			header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}}, false},
		{"over TLS", httpdtest.Options{}, request{method: "POST", url: "https://gate.example/api/session",
			origin: "https://gate.example", header: http.Header{"Content-Type": {"application/json"}}},
			true},
		{"over a trusted proxy's TLS", proxied, request{method: "POST", url: "/api/session",
			origin: "https://chat.example",
			header: http.Header{"Content-Type": {"application/json"}, "X-Forwarded-Proto": {"https"},
				"X-Forwarded-Host": {"chat.example"}}}, true},
		{"over somebody's alleged TLS", httpdtest.Options{},
			request{method: "POST", url: "/api/session", origin: base,
				header: http.Header{"Content-Type": {"application/json"}, "X-Forwarded-Proto": {"https"}}},
			false},
		{"with a token", httpdtest.Options{}, api("POST", "", `{"token":"`+httpdtest.Token+`"}`), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := httpdtest.New(t, row.options)
			r := row.q.do(h)
			if r.StatusCode != http.StatusNoContent || len(r.Cookies()) != 1 {
				t.Fatalf("HTTP %d with %v: %s", r.StatusCode, setCookies(r), text(t, r))
			}
			c := r.Cookies()[0]
			name := cookieName(h)
			if row.secure {
				name = "__Host-" + name
			}
			if c.Name != name || !pairing.ValidCredential(c.Value) {
				t.Errorf("the cookie is %s=%s", c.Name, c.Value)
			}
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" ||
				c.Secure != row.secure {
				t.Errorf("the cookie's attributes are %s", c.Raw)
			}
			if c.MaxAge < 300*24*3600 || c.MaxAge > 400*24*3600 {
				t.Errorf("the cookie lasts %d s; browsers keep one for 400 days at most", c.MaxAge)
			}
		})
	}
}

// TestCookieCounts checks on which requests a cookie counts: then the page shows the
// user's name.
func TestCookieCounts(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{AllowedOrigins: []string{"https://listed.example"}})
	cookie, _ := pair(t, h, protocol.Operator, "zoe-the-user", "")
	_, secret, _ := strings.Cut(cookie, "=")
	for _, row := range []struct {
		name   string
		q      request
		counts bool
	}{
		{"a GET without origin", request{cookie: cookie}, true},
		{"a HEAD", request{method: "HEAD", cookie: cookie}, true},
		{"a GET of our own page", request{cookie: cookie, origin: base}, true},
		{"a GET of a listed page", request{cookie: cookie, origin: "https://listed.example"}, false},
		{"a GET of a foreign page", request{cookie: cookie, origin: "https://attacker.example"}, false},
		{"a GET of a page without origin", request{cookie: cookie, origin: "null"}, false},
		{"our host on another port", request{cookie: cookie, origin: "http://gate.example:8081"}, false},
		{"our host with TLS", request{cookie: cookie, origin: "https://gate.example:8080"}, false},
		{"another instance's cookie", request{cookie: "gatehouse_0123456789abcdef=" + secret}, false},
		{"another name", request{cookie: "gatehouse=" + secret}, false},
		{"a cut value", request{cookie: cookie[:len(cookie)-1]}, false},
		// RFC 6265 §4.1.1 has it so
		{"a quoted value", request{cookie: cookieName(h) + `="` + secret + `"`}, true},
		{"none", request{}, false},
	} {
		row.q.url = "/"
		r := row.q.do(h)
		// A HEAD's body is cut off by the HTTP server, which is not in between here.
		if got := strings.Contains(text(t, r), "zoe-the-user"); got != row.counts ||
			r.StatusCode != http.StatusOK {
			t.Errorf("%s: HTTP %d, counts: %v, want %v", row.name, r.StatusCode, got, row.counts)
		}
		if len(setCookies(r)) > 0 {
			t.Errorf("%s: a GET sets %v", row.name, setCookies(r))
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	code := h.Links.New()
	form := api("POST", "", "{}")
	form.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	plain := api("POST", "", "{}")
	plain.header = http.Header{"Content-Type": {"text/plain"}}
	bare := api("POST", "", "")
	bare.header = nil
	for _, row := range []struct {
		name   string
		q      request
		status int
		code   protocol.Code
	}{
		{"a form", form, http.StatusUnsupportedMediaType, protocol.InvalidRequest},
		{"plain text", plain, http.StatusUnsupportedMediaType, protocol.InvalidRequest},
		{"no type", bare, http.StatusUnsupportedMediaType, protocol.InvalidRequest},
		{"a body that is too large", api("POST", "", `{"token":"`+strings.Repeat("x", 8<<10)+`"}`),
			http.StatusRequestEntityTooLarge, protocol.InvalidRequest},
		{"no JSON", api("POST", "", "{"), http.StatusBadRequest, protocol.InvalidRequest},
		{"no object", api("POST", "", "[]"), http.StatusBadRequest, protocol.InvalidRequest},
		{"null", api("POST", "", "null"), http.StatusBadRequest, protocol.InvalidRequest},
		{"a token that is no text", api("POST", "", `{"token":7}`), http.StatusBadRequest,
			protocol.InvalidRequest},
		{"two values", api("POST", "", `{}{}`), http.StatusBadRequest, protocol.InvalidRequest},
		{"a wrong token", api("POST", "", `{"token":"wrong"}`), http.StatusUnauthorized,
			protocol.Unauthorized},
		{"a wrong code", api("POST", "", `{"code":"wrong"}`), http.StatusUnauthorized,
			protocol.Unauthorized},
		{"a right token", api("POST", "", `{"token":"`+httpdtest.Token+`","extra":[1]}`),
			http.StatusNoContent, ""},
		{"a right code", api("POST", "", `{"code":"`+code+`"}`), http.StatusNoContent, ""},
		{"a code again", api("POST", "", `{"code":"`+code+`"}`), http.StatusUnauthorized,
			protocol.Unauthorized},
	} {
		r := row.q.do(h)
		if row.code != "" {
			t.Log(row.name)
			wantError(t, r, row.status, row.code)
			if len(setCookies(r)) > 0 {
				t.Errorf("%s: a refusal sets %v", row.name, setCookies(r))
			}
			continue
		}
		if r.StatusCode != row.status || len(r.Cookies()) != 1 {
			t.Fatalf("%s: HTTP %d %s", row.name, r.StatusCode, text(t, r))
		}
		cookie := r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
		if admin := page("/admin", cookie).do(h); admin.StatusCode != http.StatusOK ||
			!strings.Contains(text(t, admin), `data-role="admin"`) {
			t.Errorf("%s: the cookie does not open /admin: HTTP %d", row.name, admin.StatusCode)
		}
	}
	if log := h.Log.String(); strings.Contains(log, httpdtest.Token) || strings.Contains(log, code) {
		t.Error("the log has a secret")
	}
}

func TestSignInLimits(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	codes := map[int]int{}
	for range 14 {
		codes[api("POST", "", `{"token":"wrong"}`).do(h).StatusCode]++
	}
	if codes[http.StatusUnauthorized] != 10 || codes[http.StatusTooManyRequests] != 4 {
		t.Errorf("14 wrong tokens: %v", codes)
	}
	// Codes count too.
	r := api("POST", "", `{"code":"wrong"}`).do(h)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantError(t, r, http.StatusTooManyRequests, protocol.ResourceExhausted)
	// What is right is accepted all the same.
	for _, body := range []string{`{"code":"` + h.Links.New() + `"}`,
		`{"token":"` + httpdtest.Token + `"}`} {
		if r := api("POST", "", body).do(h); r.StatusCode != http.StatusNoContent {
			t.Errorf("a right credential after many wrong ones: HTTP %d %s", r.StatusCode, text(t, r))
		}
	}
	// New browsers are limited like any stranger's calls.
	codes = map[int]int{}
	for range 70 {
		q := api("POST", "", "{}")
		q.from = "192.0.2.3"
		codes[q.do(h).StatusCode]++
	}
	if codes[http.StatusNoContent] < 60 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("70 new browsers: %v", codes)
	}
}

// TestSameBrowser proves that reloads keep the credential of a browser with access.
func TestSameBrowser(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Operator, "zoe", "")
	for range 3 {
		r := api("POST", cookie, "{}").do(h)
		if len(r.Cookies()) != 1 || cookieName(h)+"="+r.Cookies()[0].Value != cookie {
			t.Fatalf("another cookie: %v", setCookies(r))
		}
	}
	for _, planted := range []string{"x", "gd_short", strings.Repeat("a", 46)} {
		r := api("POST", cookieName(h)+"="+planted, "{}").do(h)
		if r.Cookies()[0].Value == planted {
			t.Errorf("the planted credential %q is taken over", planted)
		}
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{AllowedOrigins: []string{"https://listed.example"}})
	cookie, device := pair(t, h, protocol.Operator, "zoe", "")
	foreign := api("DELETE", cookie, "")
	foreign.origin = "https://attacker.example"
	listed := api("DELETE", cookie, "")
	listed.origin = "https://listed.example"
	program := api("DELETE", cookie, "")
	program.origin = ""
	for name, q := range map[string]request{"a foreign page": foreign, "a listed page": listed,
		"no page": program} {
		r := q.do(h)
		if wantError(t, r, http.StatusForbidden, protocol.Forbidden); len(setCookies(r)) > 0 {
			t.Errorf("%s: %v", name, setCookies(r))
		}
	}
	if _, err := h.Pairings.Authenticate(t.Context(), strings.SplitN(cookie, "=", 2)[1]); err != nil {
		t.Fatalf("somebody else's sign-out worked: %v", err)
	}
	for _, cookie := range []string{cookie, cookie, "", cookieName(h) + "=nonsense"} {
		r := api("DELETE", cookie, "").do(h)
		if r.StatusCode != http.StatusNoContent || len(r.Cookies()) != 1 || r.Cookies()[0].MaxAge >= 0 ||
			r.Cookies()[0].Value != "" {
			t.Errorf("cookie %.20s: HTTP %d with %v", cookie, r.StatusCode, setCookies(r))
		}
	}
	list, err := h.Pairings.List(t.Context())
	if err != nil || slices.ContainsFunc(list.Paired,
		func(d protocol.PairedDevice) bool { return d.DeviceID == device.DeviceID }) {
		t.Errorf("the device is still paired: %v, %v", list.Paired, err)
	}
}

func TestSignOutWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Operator, "zoe", "")
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	r := api("DELETE", cookie, "").do(h)
	wantError(t, r, http.StatusServiceUnavailable, protocol.Unavailable)
	r = api("POST", "", `{"token":"`+httpdtest.Token+`"}`).do(h)
	if wantError(t, r, http.StatusServiceUnavailable, protocol.Unavailable); len(setCookies(r)) > 0 {
		t.Errorf("a sign-in that failed sets %v", setCookies(r))
	}
}

// TestSignInWithoutCookies proves that a page which says that it should have a cookie signs
// nobody in without: no device is left, and the link's code still works.
func TestSignInWithoutCookies(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	link := h.Links.New()
	for _, body := range []string{`{"cookie":true}`, `{"cookie":true,"token":"` + httpdtest.Token + `"}`,
		`{"token":"wrong","cookie":true}`, `{"cookie":true,"code":"` + link + `"}`} {
		r := api(http.MethodPost, "", body).do(h)
		if set := setCookies(r); len(set) > 0 {
			t.Errorf("%s sets %q", body, set)
		}
		wantError(t, r, http.StatusConflict, protocol.FailedPrecondition)
	}
	list, err := h.Pairings.List(t.Context())
	if err != nil || len(list.Paired)+len(list.Pending) > 0 {
		t.Errorf("there are %+v (%v)", list, err)
	}
	cookie, _, _ := strings.Cut(setCookies(api(http.MethodPost, "", "{}").do(h))[0], ";")
	r := api(http.MethodPost, cookie, `{"cookie":true,"code":"`+link+`"}`).do(h)
	if r.StatusCode != http.StatusNoContent || len(setCookies(r)) != 1 {
		t.Errorf("with a cookie: HTTP %d %s", r.StatusCode, text(t, r))
	}
}
