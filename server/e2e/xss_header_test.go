package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// request sends a request with header lines exactly as given, and returns the answer with
// its body. It follows no redirects.
func (g *gatehouse) request(method, target, body string,
	header ...string) (*http.Response, string) {
	g.t.Helper()
	c, err := net.DialTimeout("tcp", g.Address, waitLimit)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		g.t.Fatal(err)
	}
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: " + g.Address,
		"Connection: close", fmt.Sprintf("Content-Length: %d", len(body))}, header...)
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n"+body); err != nil {
		g.t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		g.t.Fatalf("%s %q: %v", method, target, err)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Fatalf("%s %q: %v", method, target, err)
	}
	return r, string(text)
}

// adminCookie signs in, and returns the cookie as a header line.
func (g *gatehouse) adminCookie() string {
	g.t.Helper()
	r, text := g.request("POST", "/api/session", toJSON(map[string]string{"token": g.token()}),
		"Content-Type: application/json")
	if len(r.Cookies()) != 1 {
		g.t.Fatalf("signing in: %s %s", r.Status, text)
	}
	return "Cookie: " + r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
}

// everyPath returns every path that the gateway serves, and some that it does not.
func (g *gatehouse) everyPath() []string {
	g.t.Helper()
	paths := []string{"/", "/s/some", "/login", "/admin", "/admin/sessions", "/admin/clients",
		"/admin/keys", "/admin/audit",
		"/admin/status", "/admin/audit.csv", "/ws", "/health", "/readyz", "/metrics", "/pair/qr.svg", "/api/session", "/api/media/upload",
		"/api/media/none", "/v1/media/upload", "/nothing", "/api/nothing", "/admin/nothing", "/static/nothing", "/static/", "/s/", "/s/a/b"}
	_, text := g.request("GET", "/login", "")
	assets := regexp.MustCompile(`/static/[a-z_]+\.[0-9a-f]+\.[a-z]+`).FindAllString(text, -1)
	if len(assets) < 5 {
		g.t.Fatalf("the page names %q", assets)
	}
	return append(paths, assets...)
}

// TestHeadersOfEveryRoute checks that every answer has the security headers, whatever is
// requested by whomever.
func TestHeadersOfEveryRoute(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ gateway: { trusted_proxies: ["127.0.0.1"] } }`)
	cookie := g.adminCookie()
	asked := 0
	for _, path := range g.everyPath() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "<SCRIPT>"} {
			for _, who := range [][]string{nil, {cookie}, {"X-Forwarded-Proto: https"}, {"Authorization: Bearer <script>"}} {
				if method == "DELETE" && path == "/api/session" && len(who) > 0 && who[0] == cookie {
					continue // it would sign out
				}
				r, _ := g.request(method, path, "", who...)
				asked++
				for _, fault := range headerFaults(r, method, path, slices.Contains(who, "X-Forwarded-Proto: https")) {
					t.Errorf("%s %s %q: %s: %s", method, path, who, r.Status, fault)
				}
			}
		}
	}
	t.Logf("%d requests", asked)
}

// headerFaults returns what is wrong with an answer's headers.
func headerFaults(r *http.Response, method, path string, secure bool) (faults []string) {
	if r.StatusCode == http.StatusBadRequest && r.Header.Get("Content-Type") == "text/plain; charset=utf-8" && method == "<SCRIPT>" {
		return nil // net/http refuses this method itself
	}
	want := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}
	if secure {
		want["Cross-Origin-Opener-Policy"] = "same-origin"
	}
	for name, value := range want {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != value {
			faults = append(faults, fmt.Sprintf("%s is %q", name, got))
		}
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Server", "X-Powered-By", "Location", "Refresh"} {
		if got := r.Header.Get(name); got != "" {
			faults = append(faults, name+" is "+got)
		}
	}
	if r.StatusCode/100 == 3 {
		faults = append(faults, "a redirect")
	}
	if (method == "GET" || method == "HEAD") && len(r.Cookies()) > 0 {
		faults = append(faults, "sets a cookie")
	}
	if cache := r.Header.Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(path, "/static/") {
		faults = append(faults, "Cache-Control is "+cache)
	}
	if kind := r.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "; charset=utf-8") {
		faults = append(faults, "Content-Type is "+kind)
	}
	return append(faults, policyFaults(r.Header.Values("Content-Security-Policy"),
		strings.HasPrefix(path, "/admin"))...)
}

// policyFaults returns what a Content-Security-Policy allows that it must not.
func policyFaults(policies []string, console bool) (faults []string) {
	if len(policies) != 1 {
		return []string{fmt.Sprintf("policies: %q", policies)}
	}
	allowed := map[string][]string{
		"default-src": {"'none'"}, "script-src": {"'self'",
			"'wasm-unsafe-eval'"}, "style-src": {"'self'"}, "img-src": {"'self'", "blob:", "data:"},
		"connect-src": {"'self'"}, "font-src": {"'self'"}, "manifest-src": {"'self'"}, "base-uri": {"'none'"}, "form-action": {"'none'"}, "frame-ancestors": {"'none'"},
	}
	if console {
		allowed["form-action"] = append(allowed["form-action"], "'self'")
	}
	for part := range strings.SplitSeq(policies[0], ";") {
		words := strings.Fields(part)
		sources, known := allowed[words[0]]
		if !known {
			faults = append(faults, "policy "+part)
		}
		for _, source := range words[1:] {
			if !slices.Contains(sources, source) {
				faults = append(faults, "policy "+part)
			}
		}
		delete(allowed, words[0])
	}
	for _, needed := range []string{"default-src", "base-uri", "form-action", "frame-ancestors"} { // the last three inherit nothing
		if _, missing := allowed[needed]; missing {
			faults = append(faults, "the policy lacks "+needed)
		}
	}
	return faults
}

// TestHeaderFaults shows that the check can fail.
func TestHeaderFaults(t *testing.T) {
	t.Parallel()
	const good = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if faults := policyFaults([]string{good}, false); faults != nil {
		t.Errorf("a good policy: %q", faults)
	}
	for _, bad := range []string{
		strings.Replace(good, "'self'", "'self' 'unsafe-inline'", 1), strings.Replace(good,
			"'wasm-unsafe-eval'", "'unsafe-eval'", 1), good + "; style-src *",
		strings.Replace(good, "; base-uri 'none'", "", 1), strings.Replace(good,
			"; frame-ancestors 'none'", "", 1), good + "; report-uri //evil.invalid",
	} {
		if policyFaults([]string{bad}, false) == nil {
			t.Errorf("passed: %s", bad)
		}
	}
	r := &http.Response{StatusCode: http.StatusFound,
		Header: http.Header{"Location": {"//evil.invalid"}}}
	if n := len(headerFaults(r, "GET", "/", true)); n < 8 {
		t.Errorf("%d faults of an answer without headers", n)
	}
}

// TestNoRedirects requests addresses that links on other sites could have, and names
// hosts that do not exist.
func TestNoRedirects(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ gateway: { trusted_proxies: ["127.0.0.1"] } }`)
	cookie := g.adminCookie()
	targets := []string{"//evil.invalid/", "//evil.invalid/%2e%2e", `/\evil.invalid`,
		"/%5cevil.invalid", "/%2f%2fevil.invalid", "///evil.invalid", "/.//evil.invalid",
		"/admin//evil.invalid", "/admin/", "/admin/..//evil.invalid", "/s//evil.invalid/..", "/static//evil.invalid", "/static/../admin", "/%0d%0aLocation:%20//evil.invalid",
		"/login/", "http://evil.invalid/", "http://evil.invalid/admin", "//evil.invalid@" +
			g.Address + "/"}
	for _, name := range []string{"next", "redirect", "return", "returnTo", "return_to", "url", "to", "continue", "goto", "back"} {
		for _, path := range []string{"/", "/login", "/admin", "/admin/audit"} {
			targets = append(targets, path+"?"+name+"=//evil.invalid/",
				path+"?"+name+"=https://evil.invalid/%0d%0aX:y")
		}
	}
	headers := [][]string{nil, {cookie}, {cookie, "X-Forwarded-Host: evil.invalid",
		"X-Forwarded-Proto: https"}, {"X-Forwarded-Host: evil.invalid"}}
	for _, a := range attacks(t) {
		if text := headerText(a.text); text != "" {
			headers = append(headers, []string{cookie, "X-Forwarded-Host: " + text, "User-Agent: " +
				text, "X-Forwarded-For: " + text, "Referer: " + text, "Accept-Language: " + text})
		}
	}
	asked := 0
	for i, header := range headers {
		list := targets
		if i >= 4 {
			list = []string{"/", "/login", "/admin", "/pair/qr.svg"}
		}
		for _, target := range list {
			r, text := g.request("GET", target, "", header...)
			asked++
			if r.StatusCode/100 == 3 || r.Header.Get("Location") != "" || r.Header.Get("Refresh") != "" {
				t.Errorf("%q %q: %s to %q", target, header, r.Status, r.Header.Get("Location"))
			}
			if strings.Contains(text, "xss(") && strings.Contains(r.Header.Get("Content-Type"), "svg") || r.Header.Get("X") != "" {
				t.Errorf("%q %q: it is in the answer: %s", target, header, text)
			}
		}
	}
	t.Logf("%d requests", asked)
}

// hostileFileNames are file names as forms write them: what stands between the quotes, or
// a parameter that follows.
var hostileFileNames = []string{
	`../../../../etc/passwd`, `..\..\boot.ini`, `/etc/passwd`, `C:\a\b.txt`, `.`, `..`, ``, ` `, `.htaccess`, `a.txt/`, `a%00.html`, `a%2f..%2fb.txt`,
	`%22; filename=%22b.html`, `a\"; filename=\"b.html`, `a"; filename="b.html`, `a%0d%0aX-Evil: y`, "a\tb.txt", `a"; filename*="UTF-8''b%0d%0aX-Evil:%20y.html`,
	`x"; filename*=UTF-8''%e2%80%aelmth.txt; y="`, `naïve € 💥.txt`, "a\u202etxt.exe", `CON`, `a;b=c.txt`, `a'b*c%d.txt`, `=cmd|' /C calc'!A0.csv`, strings.Repeat("ä", 300) + ".html", `x.svg`, `x.html`,
}

// TestHostileFiles uploads files with such names, and polyglots, and opens them.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	bearer := "Authorization: Bearer " + g.token()
	served, refused := 0, 0
	for _, name := range hostileFileNames {
		path, why := g.upload(bearer, name, "text")
		if path == "" {
			refused++
			t.Logf("%q is refused: %s", name, why)
			continue
		}
		r, text := g.request("GET", path, "", bearer)
		if got := r.Header.Values("Content-Disposition"); len(got) != 1 || !disposition.MatchString(got[0]) || r.Header.Get("X-Evil") != "" || text != "text" {
			t.Errorf("%q is served with %q", name, r.Header)
		}
		if kind := r.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" && kind != "text/csv; charset=utf-8" && kind != "text/markdown; charset=utf-8" {
			t.Errorf("%q is served as %s", name, kind)
		}
		served++
	}
	t.Logf("%d names served, %d refused", served, refused)
	openHostileFiles(t, g, bearer)
}

// upload returns the path of an uploaded file, or why it was refused.
func (g *gatehouse) upload(bearer, name, content string) (path, why string) {
	g.t.Helper()
	body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
		"\"\r\nContent-Type: text/html\r\n\r\n" + content + "\r\n--b--\r\n"
	r, text := g.request("POST", "/api/media/upload", body, bearer,
		"Content-Type: multipart/form-data; boundary=b")
	var answer struct{ Path string }
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusCreated {
		return "", r.Status + " " + strings.TrimSpace(text)
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Path == "" {
		g.t.Fatalf("%v: %s", err, text)
	}
	return answer.Path, ""
}

// openHostileFiles opens files that are also pages: by their address, and as scripts and
// styles of one of the gateway's pages.
func openHostileFiles(t *testing.T, g *gatehouse, bearer string) {
	t.Helper()
	const evil = `<!--*/=1;/*--><script>xss(1)</script><img src=x onerror=xss(2)><meta http-equiv=refresh content="0;url=//evil.invalid">/*`
	var picture bytes.Buffer
	if err := gif.Encode(&picture, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White}), nil); err != nil {
		t.Fatal(err)
	}
	b := newTab(t, browser(t))
	b.expectProblem("Refused to")               // the browser refuses to run what is no script
	b.expectProblem("Blocked script execution") // the monitor's own script, in a sandbox
	b.expectProblem("Applying inline style")    // by the browser's own page around a picture
	w := startMonitor(b, g)
	b.run("keep no downloads", command(cdpbrowser.SetDownloadBehavior,
		cdpbrowser.SetDownloadBehaviorParams{Behavior: "deny"}))
	signIn(t, g, b)
	for name, content := range map[string]string{
		"x.gif": picture.String() + evil, "x.html": evil, "x.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="xss(3)"><script>xss(4)</script></svg>`,
		"x.txt": "xss(5)//" + evil, "x.js": "xss(6)", "x.css": "body{background:url(//evil.invalid/c)}", "x.json": `{"a":"` + url.PathEscape(evil) + `"}`,
		"x.pdf": "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj\n" + evil, "x.xml": `<?xml version="1.0"?><script xmlns="http://www.w3.org/1999/xhtml">xss(7)</script>`,
	} {
		path, why := g.upload(bearer, name, content)
		if path == "" {
			t.Logf("%s is refused: %s", name, why)
			continue
		}
		_, _ = chromedp.Run(b.ctx, chromedp.Navigate(g.url(path))) // a download ends the navigation
		time.Sleep(100 * time.Millisecond)                         // time for an attack to run
		if at := evaluate[string](b, `location.pathname + " " + document.contentType + " " + document.scripts.length`); strings.HasPrefix(at, path) && at != path+" image/gif 0" {
			t.Errorf("%s is opened as %s scripts", name, at)
		}
		b.open(g.url("/admin/status"))
		b.run("take it for ours", chromedp.Evaluate[chromedp.Void](`for (const [tag, attr] of [["script", "src"], ["link", "href"]]) {
			const el = document.createElement(tag);
			el.setAttribute("rel", "stylesheet");
			el.setAttribute(attr, `+toJSON(path)+`);
			document.head.append(el);
		}`))
		b.wait("it is fetched", `performance.getEntriesByType("resource").some((e) => e.name.endsWith(`+toJSON(path)+`))`)
		time.Sleep(100 * time.Millisecond)
		w.mu.Lock()
		w.violations = slices.DeleteFunc(w.violations, func(v string) bool { return strings.HasPrefix(v, "an issue: { style-src-attr") }) // as above
		if len(w.ran)+len(w.dialogs)+len(w.violations)+len(w.foreign) != 0 {
			t.Errorf("%s: %q ran, dialogs %q, violations %q, foreign requests %q", name, w.ran,
				w.dialogs, w.violations, w.foreign)
		}
		w.mu.Unlock()
	}
}
