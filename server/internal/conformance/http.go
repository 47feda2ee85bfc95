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
		{Section: section, Says: "POST /api/session: CrossOriginProtection; JSON only", steps: sessionOfOwnPages},
		{Section: section, Says: "DELETE /api/session clears the cookie even if it is invalid", steps: invalidCookie},
		{Section: section, Says: "the cookie: a GET never sets or clears it; signed-in pages are no-store", steps: pagesAndCookie},
		{Section: section, Says: "CSP: default-src 'none'", steps: pagePolicy},
		{Section: section, Says: "CORS follows gateway.allowed_origins, never with credentials", steps: foreignPage},
	}
}

// request makes an HTTP request and reads the answer.
func (v *visit) request(method, path string, h http.Header, body io.Reader) (*http.Response, []byte) {
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

// offered ends the row if there is nothing at a path.
func (v *visit) offered(answer *http.Response, path string) {
	if answer.StatusCode == http.StatusNotFound {
		panic(NotApplicable("this gateway has no " + path))
	}
}

func (v *visit) status(answer *http.Response, want int) {
	if answer.StatusCode != want {
		v.fail("%s %s: HTTP %d, want %d", answer.Request.Method, answer.Request.URL.Path, answer.StatusCode, want)
	}
}

func healthPage(v *visit) {
	answer, text := v.request(http.MethodGet, "/health", nil, nil)
	v.status(answer, http.StatusOK)
	var says object
	v.must(json.Unmarshal(text, &says), "read the answer")
	v.want(says, "status", "ok")
	v.want(says, "protocol", 3)
}

func readiness(v *visit) {
	answer, _ := v.request(http.MethodGet, "/readyz", nil, nil)
	v.offered(answer, "/readyz")
	v.status(answer, http.StatusOK)
}

func metrics(v *visit) {
	answer, text := v.request(http.MethodGet, "/metrics", nil, nil)
	v.offered(answer, "/metrics")
	v.status(answer, http.StatusUnauthorized)
	if strings.Contains(string(text), "# TYPE ") {
		v.fail("strangers are shown the metrics")
	}
	answer, text = v.request(http.MethodGet, "/metrics", authorization("Bearer "+v.target.Token), nil)
	v.status(answer, http.StatusOK)
	if !strings.Contains(string(text), "# TYPE ") || strings.Contains(string(text), v.target.Token) {
		v.fail("these are no metrics: %.200s", text)
	}
}

func sessionOfOwnPages(v *visit) {
	v.require(Cookies)
	own := func() http.Header { return http.Header{"Origin": {v.target.URL}, "Content-Type": {"application/json"}} }
	for name, row := range map[string]struct {
		change func(http.Header)
		status int
	}{
		"a page of another site": {func(h http.Header) { h.Set("Origin", "https://stranger.invalid") }, http.StatusForbidden},
		"a page without origin":  {func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"a form":                 {func(h http.Header) { h.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType},
	} {
		h := own()
		row.change(h)
		answer, _ := v.request(http.MethodPost, "/api/session", h, strings.NewReader("{}"))
		if answer.StatusCode != row.status || len(answer.Cookies()) > 0 {
			v.fail("%s gets HTTP %d and %d cookies, want %d and none", name, answer.StatusCode, len(answer.Cookies()), row.status)
		}
	}
}

func invalidCookie(v *visit) {
	name := v.browser(object{}).Name
	answer := v.signOut(http.Header{"Cookie": {name + "=gd_" + strings.Repeat("A", 43)}, "Origin": {v.target.URL}})
	v.status(answer, http.StatusNoContent)
	if cookies := answer.Cookies(); len(cookies) != 1 || cookies[0].Name != name || cookies[0].MaxAge >= 0 {
		v.fail("it is answered with the cookies %v, want %s to be taken away", cookies, name)
	}
}

func pagesAndCookie(v *visit) {
	known := v.browser(object{"token": v.target.Token})
	for _, secret := range []string{known.Value, "gd_" + strings.Repeat("A", 43)} {
		answer, _ := v.request(http.MethodGet, "/", http.Header{"Cookie": {known.Name + "=" + secret}}, nil)
		v.offered(answer, "pages")
		if set := answer.Header.Values("Set-Cookie"); len(set) > 0 {
			v.fail("GET / sets %d cookies", len(set))
		}
		if how := answer.Header.Get("Cache-Control"); secret == known.Value && !strings.Contains(how, "no-store") {
			v.fail("Cache-Control is %q, want no-store", how)
		}
	}
}

func pagePolicy(v *visit) {
	for _, path := range []string{"/", "/login", "/admin"} {
		answer, _ := v.request(http.MethodGet, path, nil, nil)
		v.offered(answer, path)
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			v.fail("%s: Content-Security-Policy is %q", path, policy)
		}
	}
}

func foreignPage(v *visit) {
	const page = "https://stranger.invalid"
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		answer, _ := v.request(method, "/api/session", http.Header{"Origin": {page}, "Access-Control-Request-Method": {http.MethodGet}}, nil)
		open := answer.Header.Get("Access-Control-Allow-Origin")
		if open != "" && open != page && open != "*" || answer.Header.Get("Access-Control-Allow-Credentials") != "" {
			v.fail("%s: a foreign page is allowed %q, with credentials %q", method, open, answer.Header.Get("Access-Control-Allow-Credentials"))
		}
	}
}
