package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/dnstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMain ignores the clock goroutine of the highlighter's regular expressions, which ends a
// second after the last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// problems returns a report as "check status" for each line that is not ok.
func problems(r Report) []string {
	var lines []string
	for _, l := range r.Lines {
		if l.Status != OK {
			lines = append(lines, l.Check+" "+string(l.Status))
		}
	}
	return lines
}

// printed returns a report as text.
func printed(t *testing.T, r Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// line returns the line of a check that is not ok.
func line(t *testing.T, r Report, check string) Line {
	t.Helper()
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.Check == check && l.Status != OK })
	if i < 0 {
		t.Fatalf("nothing is wrong with %s:\n%s", check, printed(t, r))
	}
	return r.Lines[i]
}

// serve serves h until the test ends.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func serveTLS(t *testing.T, h http.Handler) (s *httptest.Server, roots *x509.CertPool) {
	t.Helper()
	s = httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots
}

func TestNoFaults(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{})
	plain := serve(t, gateway)
	encrypted, roots := serveTLS(t, gateway)
	for _, o := range []Options{
		{URL: plain.URL},
		{URL: " " + strings.ToUpper(plain.URL[:4]) + plain.URL[4:] + "/", Token: httpdtest.Token},
		{URL: strings.Replace(plain.URL, "http", "ws", 1) + "/ws", Token: httpdtest.Token},
		{URL: strings.Replace(plain.URL, "127.0.0.1", "localhost", 1)},
		{URL: encrypted.URL, Token: httpdtest.Token, Roots: roots},
	} {
		r := Examine(t.Context(), o)
		var want []string
		if o.Token == "" {
			want = []string{"credential skipped"}
		}
		if got := problems(r); !slices.Equal(got, want) || r.Failed() {
			t.Errorf("%s: %v, want %v:\n%s", o.URL, got, want, printed(t, r))
		}
		if text := printed(t, r); strings.Contains(text, httpdtest.Token) || !strings.Contains(text, "All is well") {
			t.Errorf("%s: %s", o.URL, text)
		}
	}
	admin := httpdtest.Dial(t, plain.URL, nil)
	admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`"}`)
	var list protocol.DeviceListResult
	admin.Read(admin.OK(protocol.MethodDeviceList, ""), &list)
	if len(list.Pending) > 0 || len(list.Paired) > 0 {
		t.Errorf("it leaves %+v behind", list)
	}
}

// intercept returns a handler that calls before, and then h unless before is done.
func intercept(h http.Handler, before func(http.ResponseWriter, *http.Request) (done bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !before(w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// changeHeaders returns a handler that changes the request before h gets it.
func changeHeaders(h http.Handler, change func(*http.Request)) http.Handler {
	return intercept(h, func(_ http.ResponseWriter, r *http.Request) bool { change(r); return false })
}

// page returns a handler that answers every request with a page.
func page(status int, server, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", server)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// TestFaults examines gateways with one real misconfiguration each.
func TestFaults(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{})
	trusting := httpdtest.New(t, httpdtest.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	skipped := func(checks ...string) (lines []string) {
		for _, c := range checks {
			lines = append(lines, c+" skipped")
		}
		return lines
	}
	rest := skipped("ready", "upgrade", "origin", "pairing", "credential", "round trip")
	for _, row := range []struct {
		name  string
		h     http.Handler
		o     Options
		want  []string // lines that are not ok, besides the credential's
		check string   // whose line says …
		says  string
		mend  []string
	}{
		{"upgrade dropped", changeHeaders(gateway, func(r *http.Request) { r.Header.Del("Upgrade"); r.Header.Del("Connection") }), Options{},
			append([]string{"upgrade fail"}, skipped("origin", "pairing", "credential", "round trip")...),
			"upgrade", "drops its headers", []string{"proxy_set_header Upgrade $http_upgrade;", "reverse_proxy", "mode http"}},
		{"host changed", changeHeaders(gateway, func(r *http.Request) { r.Host = "backend:8080" }), Options{},
			[]string{"origin fail", "cookie fail", "credential skipped"}, "origin", "refuses its own pages", []string{"public_url", "proxy_set_header Host $http_host;", "passHostHeader"}},
		{"host changed to a public name", changeHeaders(gateway, func(r *http.Request) { r.Host = "backend.example:8080" }), Options{},
			[]string{"origin fail", "cookie fail", "credential skipped"}, "origin", "a proxy does not pass on the host 127.0.0.1", []string{"proxy_set_header Host $http_host;"}},
		{"host without its port", changeHeaders(gateway, func(r *http.Request) { r.Host, _, _ = net.SplitHostPort(r.Host) }), Options{},
			[]string{"origin fail", "cookie fail", "credential skipped"}, "origin", "does not pass on the Host header with its port", []string{"proxy_set_header Host $http_host;", "public_url"}},
		{"the port wrongly https", changeHeaders(trusting, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }), Options{},
			[]string{"origin fail", "cookie fail", "credential skipped"}, "origin", "does not say which scheme", []string{"X-Forwarded-Proto $scheme;"}},
		{"host without its port, and a gateway that names no line", withoutAdvice(changeHeaders(gateway, func(r *http.Request) { r.Host, _, _ = net.SplitHostPort(r.Host) })), Options{},
			[]string{"origin fail", "cookie fail", "credential skipped"}, "origin", "does not pass on the Host header with its port", []string{"proxy_set_header Host $http_host;", "public_url"}},
		{"our own page", gateway, Options{Origin: "own"}, []string{"credential skipped"}, "credential", "", nil},
		{"our own page, the other scheme", gateway, Options{Origin: "own, encrypted"}, []string{"origin fail", "credential skipped"},
			"origin", "by another scheme", nil},
		{"no upstream", page(502, "nginx/1.26", "<h1>Bad Gateway</h1>"), Options{}, append([]string{"health fail"}, rest...),
			"health", "nginx/1.26 answers HTTP 502: it is a proxy that does not reach the gateway", []string{"proxy_pass http://127.0.0.1:8080;", "gatehouse health"}},
		{"another site", page(200, "", "<h1>Hello</h1>"), Options{}, append([]string{"health fail"}, rest...),
			"health", "not a gateway's answer", []string{"location /"}},
		{"sign-in in front", page(401, "Apache", ""), Options{}, append([]string{"health fail"}, rest...),
			"health", "Apache answers HTTP 401: a proxy or firewall", []string{"auth_basic off;"}},
		{"a page for /ws", intercept(gateway, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/ws" {
				return false
			}
			page(404, "Caddy", "").ServeHTTP(w, r)
			return true
		}), Options{}, append([]string{"upgrade fail"}, skipped("origin", "pairing", "credential", "round trip")...),
			"upgrade", "Caddy answers HTTP 404", []string{"handle_path"}},
		{"not ready", intercept(gateway, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/readyz" {
				page(503, "", `{"status":"unavailable","cause":"the disk is full"}`).ServeHTTP(w, r)
			}
			return r.URL.Path == "/readyz"
		}), Options{}, []string{"ready fail", "credential skipped"}, "ready", "the disk is full", []string{"data_dir"}},
		{"clock behind", withClock(gateway, -time.Hour), Options{}, []string{"clock fail", "credential skipped"}, "clock", "behind", []string{"set-ntp"}},
		{"clock ahead", withClock(gateway, time.Minute), Options{}, []string{"clock warn", "credential skipped"}, "clock", "ahead", nil},
		{"cookie taken off", intercept(gateway, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/session" {
				w.WriteHeader(http.StatusNoContent)
			}
			return r.URL.Path == "/api/session"
		}), Options{}, []string{"cookie fail", "credential skipped"}, "cookie", "lost on the way", []string{"proxy_hide_header"}},
		{"cookie kept back", changeHeaders(gateway, func(r *http.Request) {
			if r.URL.Path == "/ws" {
				r.Header.Del("Cookie")
			}
		}), Options{}, []string{"pairing fail", "credential skipped"}, "pairing", "does not reach the gateway", []string{"proxy_set_header Cookie"}},
		{"no pairing", httpdtest.New(t, httpdtest.Options{NoPairing: true}), Options{}, []string{"pairing warn", "credential skipped"},
			"pairing", "switched off", []string{"pairing: true"}},
		{"open to all", httpdtest.New(t, httpdtest.Options{AllowedOrigins: []string{"*"}}), Options{}, []string{"origin warn", "credential skipped"},
			"origin", "pages of any site", []string{"allowed_origins: []"}},
		{"a page elsewhere", gateway, Options{Origin: "https://app.example.com"}, []string{"origin fail", "credential skipped"},
			"origin", "https://app.example.com may not connect", []string{`gateway: { allowed_origins: ["https://app.example.com"] }`}},
		{"no origin", gateway, Options{Origin: "app.example.com"}, []string{"origin fail", "credential skipped"},
			"origin", `"app.example.com" is no origin`, []string{"-origin https://"}},
		{"clock ten minutes ahead", withClock(gateway, 10*time.Minute), Options{}, []string{"clock fail", "credential skipped"}, "clock", "ahead of this machine", []string{"set-ntp"}},
		{"wrong token", gateway, Options{Token: "wrong"}, []string{"credential fail"}, "credential", "invalid token", []string{"gatehouse token"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.o.URL = serve(t, row.h).URL
			switch row.o.Origin {
			case "own":
				row.o.Origin = strings.ToUpper(row.o.URL) + "/"
			case "own, encrypted":
				row.o.Origin = strings.Replace(row.o.URL, "http", "https", 1)
			}
			r := Examine(t.Context(), row.o)
			if got := problems(r); !slices.Equal(got, row.want) {
				t.Fatalf("%v, want %v:\n%s", got, row.want, printed(t, r))
			}
			checkLine(t, line(t, r, row.check), row.says, row.mend)
			own := strings.TrimSuffix(strings.ToLower(row.o.URL), "/")
			if text := printed(t, r); strings.Contains(text, `allowed_origins: ["`+own) {
				t.Errorf("it advises to allow the gateway's own origin:\n%s", text)
			}
		})
	}
}

// withoutAdvice returns a handler that refuses with 403 and no advice.
func withoutAdvice(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page := r.Header.Get("Origin"); page != "" && page != "http://"+strings.Split(r.Host, ":")[0] {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"error":{"code":"FORBIDDEN","message":"no"}}`)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func checkLine(t *testing.T, l Line, says string, mend []string) {
	t.Helper()
	if !strings.Contains(l.Message, says) {
		t.Errorf("it says %q, want …%s…", l.Message, says)
	}
	for _, m := range mend {
		if !slices.ContainsFunc(l.Fixes, func(of Fix) bool { return strings.Contains(of.Line, m) }) {
			t.Errorf("no fix is …%s…: %v", m, l.Fixes)
		}
	}
}

// withClock returns a handler whose Date header is ahead of the clock.
func withClock(h http.Handler, ahead time.Duration) http.Handler {
	return intercept(h, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		return false
	})
}

// TestOffload is a proxy that speaks TLS for the gateway, trusted or not.
func TestOffload(t *testing.T) {
	t.Parallel()
	for _, trusted := range []bool{true, false} {
		o := httpdtest.Options{}
		if trusted {
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		upstream, err := url.Parse(serve(t, httpdtest.New(t, o)).URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy, roots := serveTLS(t, &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		}})
		r := Examine(t.Context(), Options{URL: proxy.URL, Roots: roots, Token: httpdtest.Token})
		want := []string{"origin fail", "cookie fail"}
		if trusted {
			want = nil
		}
		if got := problems(r); !slices.Equal(got, want) {
			t.Errorf("trusted %v: %v, want %v:\n%s", trusted, got, want, printed(t, r))
		}
		if !trusted {
			checkLine(t, line(t, r, "origin"), "does not say which scheme", []string{"trusted_proxies", proxy.URL, "X-Forwarded-Proto $scheme;"})
		}
	}
}

// certificate returns a certificate for a name until a time, by an unknown authority, which
// roots trusts.
func certificate(t *testing.T, name string, end time.Time) (pair tls.Certificate, roots *x509.CertPool) {
	t.Helper()
	cert, key := certstest.Issue(t, name, end.AddDate(0, 0, -90), end)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(cert))
	return pair, roots
}

func TestTLSFaults(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{})
	now := time.Now()
	for _, row := range []struct {
		name     string
		host     string
		end      time.Time
		believed bool
		most     uint16
		status   Status
		says     string
		mend     string
		works    bool
	}{
		{"ended", "127.0.0.1", now.Add(-time.Hour), true, 0, Fail, "expired on", "cert_file", false},
		{"not yet", "127.0.0.1", now.AddDate(1, 0, 0), true, 0, Fail, "is not valid before", "set-ntp", false},
		{"another name", "other.example", now.AddDate(0, 0, 60), true, 0, Fail, "is for other.example, not for 127.0.0.1", "ssl_certificate", false},
		{"unknown authority", "127.0.0.1", now.AddDate(0, 0, 60), false, 0, Fail, "self-signed", "SSL_CERT_FILE", false},
		{"old protocol", "127.0.0.1", now.AddDate(0, 0, 60), true, tls.VersionTLS11, Fail, "protocol version", "", false},
		{"ends soon", "127.0.0.1", now.AddDate(0, 0, 3), true, 0, Warn, "was not renewed", "certbot", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			pair, roots := certificate(t, row.host, row.end)
			if !row.believed {
				roots = x509.NewCertPool()
			}
			s := httptest.NewUnstartedServer(gateway)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: row.most, MinVersion: tls.VersionTLS10}
			s.StartTLS()
			t.Cleanup(s.Close)
			r := Examine(t.Context(), Options{URL: s.URL, Roots: roots})
			l := line(t, r, "tls")
			if l.Status != row.status || r.Failed() == row.works {
				t.Errorf("%+v\n%s", l, printed(t, r))
			}
			checkLine(t, l, row.says, []string{row.mend})
		})
	}
	t.Run("no certificate yet", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewUnstartedServer(gateway)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, io.EOF }}
		s.StartTLS()
		t.Cleanup(s.Close)
		r := Examine(t.Context(), Options{URL: s.URL})
		checkLine(t, line(t, r, "tls"), "it may have no certificate for 127.0.0.1 yet: the gateway's log says why", []string{"cert_file"})
	})
	t.Run("hangs up", func(t *testing.T) { // as httpd.ConnLimiter does where there is no room
		t.Parallel()
		r := Examine(t.Context(), Options{URL: "https://" + listen(t, func(net.Conn) {})})
		checkLine(t, line(t, r, "tls"), "no more connections now", []string{"max_connections", "cert_file"})
	})
	t.Run("no TLS", func(t *testing.T) {
		t.Parallel()
		plain := serve(t, gateway).URL
		r := Examine(t.Context(), Options{URL: strings.Replace(plain, "http", "https", 1)})
		checkLine(t, line(t, r, "tls"), "does not speak TLS", []string{"use " + plain + " if"})
	})
	t.Run("TLS at an http URL", func(t *testing.T) {
		t.Parallel()
		s, _ := serveTLS(t, gateway)
		r := Examine(t.Context(), Options{URL: strings.Replace(s.URL, "https", "http", 1)})
		checkLine(t, line(t, r, "health"), "this port speaks TLS", []string{"gatehouse doctor https://127.0.0.1"})
	})
}

// TestRedirect follows plain HTTP to the same host, once, and nowhere else.
func TestRedirect(t *testing.T) {
	t.Parallel()
	s, roots := serveTLS(t, httpdtest.New(t, httpdtest.Options{}))
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	plain := serve(t, httpd.Redirect(httpd.RedirectOptions{
		Port: port, Covers: func(string) bool { return true }, PublicURL: func() string { return "" },
	}))
	r := Examine(t.Context(), Options{URL: plain.URL, Roots: roots, Token: httpdtest.Token})
	if got := problems(r); got != nil || !strings.Contains(printed(t, r), "plain HTTP leads to "+s.URL) {
		t.Errorf("%v:\n%s", got, printed(t, r))
	}
	for name, back := range map[string]http.Handler{
		"back to plain HTTP": http.RedirectHandler(plain.URL, http.StatusMovedPermanently), "to itself": http.RedirectHandler("/health", http.StatusFound),
	} {
		s, roots := serveTLS(t, back)
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		plain := serve(t, httpd.Redirect(httpd.RedirectOptions{
			Port: port, Covers: func(string) bool { return true }, PublicURL: func() string { return "" },
		}))
		r := Examine(t.Context(), Options{URL: plain.URL, Roots: roots})
		if l := line(t, r, "health"); !strings.Contains(l.Message, "a redirect loop") || len(l.Fixes) == 0 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	elsewhere := serve(t, http.RedirectHandler("https://elsewhere.invalid/", http.StatusFound))
	r = Examine(t.Context(), Options{URL: elsewhere.URL})
	checkLine(t, line(t, r, "health"), "to https://elsewhere.invalid/", []string{"gatehouse doctor"})
}

func TestOutOfReach(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, url, check, says string }{
		{"nobody listens", "http://" + nobody, "connection", "the gateway does not run"},
		{"no URL", "chat.example.com", "address", "is no URL"},
		{"no scheme that is known", "ftp://chat.example.com", "address", "has to be http://host"},
		{"a password", "https://a:secret@chat.example.com", "address", "nothing else"},
	} {
		r := Examine(t.Context(), Options{URL: row.url})
		if l := line(t, r, row.check); l.Status != Fail || !r.Failed() || len(l.Fixes) == 0 {
			t.Errorf("%s: %+v", row.name, l)
		}
		checkLine(t, line(t, r, row.check), row.says, nil)
		if row.check == "connection" {
			checkLine(t, line(t, r, row.check), "", []string{"gatehouse serve", "gateway: { listen:"})
		}
	}
}

// TestAddresses parses URLs as people write them, and what is proposed instead.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://chat.example.com": "https://chat.example.com", " HTTPS://Chat.Example.com/ ": "https://chat.example.com",
		"wss://chat.example.com/ws": "https://chat.example.com", "ws://localhost:8080/ws/": "http://localhost:8080",
		"http://[::1]:8080": "http://[::1]:8080", "https://chat.example.com/chat/ws": "https://chat.example.com/chat",
		"https://chat.example.com/chat/": "https://chat.example.com/chat",
		"https://bücher.example":         "https://xn--bcher-kva.example", "https://BÜCHER.example:8443/chat": "https://xn--bcher-kva.example:8443/chat",
		"https://chat.example.com/s/agent:x": "https://chat.example.com", "https://example.com/chat/s/agent%3Ax": "https://example.com/chat",
		"https://example.com/chat/admin/keys": "https://example.com/chat", "https://chat.example.com/admin/": "https://chat.example.com",
		"https://example.com/chat/login": "https://example.com/chat", "https://example.com/ws/login": "https://example.com/ws",
	} {
		if u, err := ParseURL(text); err != nil || u.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, u, err, want)
		}
	}
	for text, want := range map[string]string{
		"chat.example.com": "https://chat.example.com", "chat.example.com:8443": "https://chat.example.com:8443",
		":8080": "http://localhost:8080", "localhost:8080": "http://localhost:8080", "localhost": "http://localhost", "127.0.0.1:8080": "http://127.0.0.1:8080",
		"nas.local:8080/admin": "http://nas.local:8080", "nas:443": "https://nas", "192.168.1.5": "http://192.168.1.5",
		"//chat.example.com/": "https://chat.example.com", "/chat.example.com": "https://chat.example.com",
		"https:/chat.example.com": "https://chat.example.com", "https//chat.example.com": "https://chat.example.com",
		"http:///chat.example.com": "http://chat.example.com",
		"htps://chat.example.com":  "https://chat.example.com", "ftp://chat.example.com/x": "https://chat.example.com/x",
		"localhost:8080/chat": "http://localhost:8080/chat", "example.com/chat/admin": "https://example.com/chat", "https://example.com/chat?x=secret": "https://example.com/chat",
		"https://me:pass/secret@example.com": "https://me", "bücher.example/chat": "https://xn--bcher-kva.example/chat", "example.com/a/../b": "https://example.com",
		"https://me:secret@chat.example.com": "https://chat.example.com", "me@chat.example.com": "https://chat.example.com",
		"https://chat.example.com/login#secret": "https://chat.example.com", "https://chat.example.com?x=secret": "https://chat.example.com",
		"http://::1:8080": "http://[::1:8080]", "::1": "http://[::1]", "https://[2001:db8::1]:0x/": "https://[2001:db8::1]",
		"https://chat.example.com:99999": "https://chat.example.com", "https://chat.example.com:/": "https://chat.example.com",
		"https://chat.example.com:x": "https://chat.example.com", "": exampleURL, "https://": exampleURL, "://": exampleURL,
		"a b": exampleURL, "https://a b/": exampleURL, "-x": "http://-x",
	} {
		_, err := ParseURL(text)
		var wrong *AddressError
		if !errors.As(err, &wrong) || wrong.Proposal != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %s", text, err, want)
			continue
		}
		if _, err := ParseURL(wrong.Proposal); err != nil {
			t.Errorf("%q: proposes what is none: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"https://App.example.com:443/": "https://app.example.com", "http://localhost:3000": "http://localhost:3000",
		"capacitor://localhost":  "capacitor://localhost",
		"https://bücher.example": "https://xn--bcher-kva.example",
	} {
		if got, err := ParseOrigin(text); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"app.example.com": "https://app.example.com", "https://app.example.com/x": "https://app.example.com", "null": "http://null",
		"wss://app.example.com": "https://app.example.com", "bücher.example/x": "https://xn--bcher-kva.example",
	} {
		_, err := ParseOrigin(text)
		var wrong *AddressError
		if !errors.As(err, &wrong) || wrong.Proposal != "-origin "+want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzAddress proposes an URL for any text that is none.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"chat.example.com", "http://[::1", "https://me:pw@x/?#", "htp:/x:1", "[", ":", "%", "//%zz"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ParseURL(text)
		var wrong *AddressError
		if err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		if wrong != nil {
			if _, err := ParseURL(wrong.Proposal); err != nil {
				t.Errorf("%q: proposes what is none: %v", text, err)
			}
		}
	})
}

// TestUnknownHost examines a gateway that does not know the name at which it is reached.
func TestUnknownHost(t *testing.T) {
	t.Parallel()
	gateway := serve(t, httpdtest.New(t, httpdtest.Options{}))
	_, port, err := net.SplitHostPort(gateway.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := Examine(t.Context(), Options{URL: "http://chat.test:" + port, Token: httpdtest.Token,
		Resolver: dnstest.Resolver(t, map[string][]net.IP{"chat.test.": {net.IPv4(127, 0, 0, 1)}})})
	if got := problems(r); !slices.Equal(got, []string{"tls warn", "origin fail", "cookie fail"}) {
		t.Errorf("%v:\n%s", got, printed(t, r))
	}
	for _, check := range []string{"origin", "cookie"} {
		checkLine(t, line(t, r, check), "does not know the name chat.test", []string{
			`gateway: { public_url: "http://chat.test:` + port + `" }`, `gateway: { hosts: ["chat.test"] }`})
	}
}

// TestNames resolves hosts by a name server of its own.
func TestNames(t *testing.T) {
	t.Parallel()
	gateway := serve(t, httpdtest.New(t, httpdtest.Options{Hosts: []string{"one.test"}}))
	_, port, err := net.SplitHostPort(gateway.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resolver := dnstest.Resolver(t, map[string][]net.IP{"two.test.": {net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 99)}, "one.test.": {net.IPv4(127, 0, 0, 1)}})
	for _, row := range []struct {
		host, check string
		status      Status
		says        string
	}{
		{"none.test", "name", Fail, "there is no host none.test"},
		{"two.test", "connection", Warn, "127.0.0.99 does not"},
	} {
		r := Examine(t.Context(), Options{URL: "http://" + net.JoinHostPort(row.host, port), Resolver: resolver, Token: httpdtest.Token})
		l := line(t, r, row.check)
		if l.Status != row.status {
			t.Errorf("%s: %s", row.host, printed(t, r))
		}
		checkLine(t, l, row.says, nil)
	}
	r := Examine(t.Context(), Options{URL: "http://" + net.JoinHostPort("one.test", port), Resolver: resolver, Token: httpdtest.Token})
	if got := problems(r); !slices.Equal(got, []string{"tls warn"}) {
		t.Errorf("%v:\n%s", got, printed(t, r))
	}
	silent := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	r = Examine(t.Context(), Options{URL: "http://one.test", Resolver: silent})
	checkLine(t, line(t, r, "name"), "the name server does not answer", nil)
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 here: ", err)
	}
	s := httptest.NewUnstartedServer(httpdtest.New(t, httpdtest.Options{}))
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	r := Examine(t.Context(), Options{URL: "http://" + l.Addr().String(), Token: httpdtest.Token})
	if got := problems(r); got != nil {
		t.Errorf("%v:\n%s", got, printed(t, r))
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\x1b[31mb\r\n\tc\u202ed": "a [31mb c d", "\xffx": "x", strings.Repeat("ä", 200): strings.Repeat("ä", 160) + "…",
	} {
		if got := quoted(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := Examine(t.Context(), Options{URL: "http://"})
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(b.Bytes(), &again); err != nil || len(again.Lines) != len(r.Lines) || !again.Failed() || again.Lines[0].Fixes[0].Where != you {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestUnderAPath examines gateways under a path, behind proxies that pass the path on and
// that remove it.
func TestUnderAPath(t *testing.T) {
	t.Parallel()
	under := func(public string) (*httptest.Server, *httptest.Server) {
		gateway := httpdtest.New(t, httpdtest.Options{PublicURL: public})
		return serve(t, gateway), serve(t, http.StripPrefix("/chat", gateway))
	}
	keeps, strips := under("https://example.com/chat")
	for _, o := range []Options{
		{URL: keeps.URL + "/chat", Token: httpdtest.Token},
		{URL: strips.URL + "/chat/", Token: httpdtest.Token},
		{URL: strings.Replace(strips.URL, "http", "ws", 1) + "/chat/ws", Token: httpdtest.Token},
		{URL: keeps.URL, Token: httpdtest.Token}, // on the gateway's own machine
	} {
		r := Examine(t.Context(), o)
		if got := problems(r); len(got) > 0 || r.Failed() {
			t.Errorf("%s: %v\n%s", o.URL, got, printed(t, r))
		}
		if o.URL != keeps.URL && !strings.Contains(printed(t, r), "pages link to addresses under /chat") ||
			o.URL == keeps.URL && !strings.Contains(printed(t, r), "its pages are under /chat") {
			t.Errorf("%s: %s", o.URL, printed(t, r))
		}
	}
	// The proxy removes a path that the gateway does not know of.
	for public, says := range map[string]string{
		"": "at the root of the host", "https://example.com/other": "under /other",
	} {
		_, strips := under(public)
		r := Examine(t.Context(), Options{URL: strips.URL + "/chat"})
		checkLine(t, line(t, r, "path"), says, []string{`gateway: { public_url: "` + strips.URL + `/chat" }`})
		if public != "" {
			checkLine(t, line(t, r, "cookie"), "the path /other", []string{strips.URL + `/chat" }`})
		}
	}
	// Nothing of the gateway is under that path.
	elsewhere := serve(t, http.NotFoundHandler())
	r := Examine(t.Context(), Options{URL: elsewhere.URL + "/chat"})
	checkLine(t, line(t, r, "health"), "GET /chat/health: something answers HTTP 404",
		[]string{"location /chat/ {", "if { path /chat } or { path_beg /chat/ }"})
	// The URL is that of a page of a gateway at the root, or of nothing there.
	for _, path := range []string{"/docs/start", "/chat", "/v1/models"} {
		root := serve(t, httpdtest.New(t, httpdtest.Options{}))
		r := Examine(t.Context(), Options{URL: root.URL + path})
		checkLine(t, line(t, r, "health"), "no gateway answers under "+path+", but one does at the root",
			[]string{"gatehouse doctor " + root.URL, `public_url: "` + root.URL + path + `"`})
	}
}
