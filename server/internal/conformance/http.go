package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

func overHTTP() []Row {
	const section = "HTTP"
	return []Row{
		{Section: section, Says: `GET /health: {"status":"ok","protocol":3}`, steps: healthPage},
		{Section: section, Says: "GET /readyz: readiness", steps: readiness},
		{Section: section, Says: "GET /metrics: Prometheus, for admins' bearer", steps: metrics},
		{Section: section, steps: sessionOfOwnPages,
			Says: "POST /api/session: CrossOriginProtection; JSON only"},
		{Section: section, steps: invalidCookie,
			Says: "DELETE /api/session clears the cookie even if it is invalid"},
		{Section: section, steps: pagesAndCookie,
			Says: "the cookie: a GET never sets or clears it; signed-in pages are no-store"},
		{Section: section, Says: "CSP: default-src 'none'", steps: pagePolicy},
		{Section: section, steps: foreignPage,
			Says: "CORS follows gateway.allowed_origins, never with credentials"},
		{Section: section, steps: listsOfV3,
			Says: "GET /v1/agents, GET /v1/providers: JSON lists; 401 for a bad credential"},
		{Section: section, steps: senderHeader,
			Says: "X-GoClaw-Sender-Id: a device credential under /api and /v1 alone; beside a " +
				"Bearer 400"},
		{Section: section, steps: unknownAddresses,
			Says: "every unknown /v1/* and /api/* path answers JSON"},
	}
}

// request makes an HTTP request and reads the answer.
func (v *visit) request(method, path string, h http.Header,
	body io.Reader) (*http.Response, []byte) {
	r, err := http.NewRequestWithContext(v.ctx, method, v.target.URL+path, body)
	v.must(err, "make a request")
	r.Header = v.header(h)
	answer, err := v.transport().RoundTrip(r)
	v.must(err, method+" "+path)
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	v.must(err, "read the answer")
	v.must(answer.Body.Close(), "close the answer")
	return answer, text
}

// requireFound ends the row as not applicable if the gateway has nothing at the path.
func (v *visit) requireFound(answer *http.Response, path string) {
	if answer.StatusCode == http.StatusNotFound {
		panic(NotApplicable("this gateway has no " + path))
	}
}

func (v *visit) wantStatus(answer *http.Response, want int) {
	if answer.StatusCode != want {
		v.fail("%s %s: HTTP %d, want %d", answer.Request.Method, answer.Request.URL.Path,
			answer.StatusCode, want)
	}
}

func healthPage(v *visit) {
	answer, text := v.request(http.MethodGet, "/health", nil, nil)
	v.wantStatus(answer, http.StatusOK)
	var body object
	v.must(json.Unmarshal(text, &body), "read the answer")
	v.want(body, "status", "ok")
	v.want(body, "protocol", 3)
}

func readiness(v *visit) {
	answer, _ := v.request(http.MethodGet, "/readyz", nil, nil)
	v.requireFound(answer, "/readyz")
	v.wantStatus(answer, http.StatusOK)
}

func metrics(v *visit) {
	answer, text := v.request(http.MethodGet, "/metrics", nil, nil)
	v.requireFound(answer, "/metrics")
	v.wantStatus(answer, http.StatusUnauthorized)
	if strings.Contains(string(text), "# TYPE ") {
		v.fail("GET /metrics without a credential shows the metrics")
	}
	answer, text = v.request(http.MethodGet, "/metrics", authorization("Bearer "+v.target.Token),
		nil)
	v.wantStatus(answer, http.StatusOK)
	if !strings.Contains(string(text), "# TYPE ") ||
		strings.Contains(string(text), v.target.Token) {
		v.fail("GET /metrics with the token gives no metrics, or the token itself: %.200s", text)
	}
}

func sessionOfOwnPages(v *visit) {
	v.require(Cookies)
	own := func() http.Header {
		return http.Header{"Origin": {v.target.origin()}, "Content-Type": {"application/json"}}
	}
	for name, row := range map[string]struct {
		change func(http.Header)
		status int
	}{
		"a page of another site": {
			func(h http.Header) { h.Set("Origin", "https://stranger.invalid") },
			http.StatusForbidden,
		},
		"a page without origin": {
			func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "cross-site") },
			http.StatusForbidden,
		},
		"a form": {
			func(h http.Header) { h.Set("Content-Type", "text/plain") },
			http.StatusUnsupportedMediaType,
		},
	} {
		h := own()
		row.change(h)
		answer, _ := v.request(http.MethodPost, "/api/session", h, strings.NewReader("{}"))
		if answer.StatusCode != row.status || len(answer.Cookies()) > 0 {
			v.fail("%s gets HTTP %d and %d cookies, want %d and none", name, answer.StatusCode,
				len(answer.Cookies()), row.status)
		}
	}
}

func invalidCookie(v *visit) {
	name := v.browser(object{}).Name
	answer := v.signOut(http.Header{"Cookie": {name + "=gd_" + strings.Repeat("A", 43)},
		"Origin": {v.target.origin()}})
	v.wantStatus(answer, http.StatusNoContent)
	if cookies := answer.Cookies(); len(cookies) != 1 || cookies[0].Name != name ||
		cookies[0].MaxAge >= 0 {
		v.fail("DELETE /api/session sets the cookies %v, want %s removed", cookies, name)
	}
}

func pagesAndCookie(v *visit) {
	known := v.browser(object{"token": v.target.Token})
	for _, secret := range []string{known.Value, "gd_" + strings.Repeat("A", 43)} {
		answer, _ := v.request(http.MethodGet, "/",
			http.Header{"Cookie": {known.Name + "=" + secret}}, nil)
		v.requireFound(answer, "pages")
		if set := answer.Header.Values("Set-Cookie"); len(set) > 0 {
			v.fail("GET / sets %d cookies", len(set))
		}
		if how := answer.Header.Get("Cache-Control"); secret == known.Value &&
			!strings.Contains(how, "no-store") {
			v.fail("Cache-Control is %q, want no-store", how)
		}
	}
}

func pagePolicy(v *visit) {
	for _, path := range []string{"/", "/login", "/admin"} {
		answer, _ := v.request(http.MethodGet, path, nil, nil)
		v.requireFound(answer, path)
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") {
			v.fail("%s: Content-Security-Policy is %q", path, policy)
		}
	}
}

func foreignPage(v *visit) {
	const page = "https://stranger.invalid"
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		answer, _ := v.request(method, "/api/session",
			http.Header{"Origin": {page}, "Access-Control-Request-Method": {http.MethodGet}}, nil)
		open := answer.Header.Get("Access-Control-Allow-Origin")
		if open != "" && open != page && open != "*" ||
			answer.Header.Get("Access-Control-Allow-Credentials") != "" {
			v.fail("%s: a foreign page is allowed %q, with credentials %q", method, open,
				answer.Header.Get("Access-Control-Allow-Credentials"))
		}
	}
}

// json reads a JSON answer.
func (v *visit) json(answer *http.Response, text []byte) object {
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		v.fail("%s: the answer is %s, want application/json", answer.Request.URL.Path, kind)
	}
	var body object
	v.must(json.Unmarshal(text, &body), "read the answer")
	return body
}

func listsOfV3(v *visit) {
	bearer := http.Header{"Authorization": {"Bearer " + v.target.Token}}
	answer, text := v.request(http.MethodGet, "/v1/agents", bearer, nil)
	v.requireFound(answer, "GET /v1/agents")
	v.wantStatus(answer, http.StatusOK)
	agents := v.list(v.json(answer, text), "agents")
	if len(agents) == 0 {
		v.fail("GET /v1/agents lists no agent")
	}
	for _, field := range []string{"id", "agent_key", "display_name", "status"} {
		v.text(agents[0].(object), field)
	}
	answer, text = v.request(http.MethodGet, "/v1/providers", bearer, nil)
	v.wantStatus(answer, http.StatusOK)
	for _, p := range v.list(v.json(answer, text), "providers") {
		v.text(p.(object), "name")
		v.want(p.(object), "enabled", true)
		v.want(p.(object), "api_key", "***")
	}
	for _, path := range []string{"/v1/agents", "/v1/providers"} {
		answer, text = v.request(http.MethodGet, path, nil, nil)
		v.wantStatus(answer, http.StatusUnauthorized)
		v.json(answer, text)
	}
}

func senderHeader(v *visit) {
	d := v.pair("viewer", v.name("user"))
	header := http.Header{"X-Goclaw-Sender-Id": {d.secret}}
	answer, _ := v.request(http.MethodGet, "/v1/agents", header, nil)
	v.requireFound(answer, "GET /v1/agents")
	v.wantStatus(answer, http.StatusOK)
	header.Set("Authorization", "Bearer "+v.target.Token)
	answer, _ = v.request(http.MethodGet, "/v1/agents", header, nil)
	v.wantStatus(answer, http.StatusBadRequest)
	answer, _ = v.request(http.MethodGet, "/v1/agents",
		http.Header{"X-Goclaw-Sender-Id": {"gd_" + strings.Repeat("A", 43)}}, nil)
	v.wantStatus(answer, http.StatusUnauthorized)
}

func unknownAddresses(v *visit) {
	for _, path := range []string{"/api/" + v.name("none"), "/v1/" + v.name("none"), "/v1/a/b"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer, text := v.request(method, path, nil, nil)
			if answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed {
				v.fail("%s %s: HTTP %d, want 404 or 405", method, path, answer.StatusCode)
			}
			v.text(v.json(answer, text), "error.code")
		}
	}
}
