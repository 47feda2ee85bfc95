package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// hostRows are Host headers, and whether they name a gateway of namedGateway.
var hostRows = map[string]bool{
	"127.0.0.1": true, "127.0.0.1:8080": true, "192.168.1.5:1": true, "203.0.113.9": true,
	"[::1]": true, "[::1]:8080": true, "[2001:db8::1]:443": true, "[fe80::1%25eth0]:80": true,
	"[::ffff:192.0.2.1]": true,
	"localhost":          true, "LOCALHOST:3000": true, "localhost.": true, "app.localhost": true,
	"gatehouse": true, "Gatehouse:8080": true, "my_host": true, "nas.local": true, "nas.local.": true,
	"nas.LAN:8080": true, "a.b.internal": true, "nas.home.arpa": true,
	"keeper.example": true, "KEEPER.example.:8080": true, // httpdtest.Machine
	"chat.example.com": true, "CHAT.Example.com.:8443": true, // gateway.public_url
	"app.example.com": true,                          // gateway.allowed_origins
	"extra.example":   true, "Extra.Example:1": true, // gateway.hosts
	"xn--bcher-kva.example": true,
	"certified.example":     true, "CERTIFIED.example:443": true,

	"evil.example": false, "evil.example:8080": false, "evil.example.": false, "": false, ".": false,
	"localhost.evil.example": false, "notlocalhost.example": false, "evil.local.example": false,
	"evillan.example": false, ".local": false, "a..local": false, "localhost..": false,
	"127.0.0.1.evil.example": false, "127.0.0.1.nip.io": false, "127.1.": false, "127.1": false,
	"chat.example.com.evil.example": false, "evil-chat.example.com": false, "a.chat.example.com": false,
	"extra.example.com": false, "keeper.example.com": false, "[localhost]": false, "[evil.example]": false,
	"[::1": false, "[::1]evil.example": false, "[::1]:evil.example": false, "localhost:evil.example": false,
	"localhost:80:80": false, "me@localhost": false, "localhost/evil.example": false,
	"localhost#": false, "bücher.example": false, "*": false,
}

func namedGateway(t *testing.T) *httpdtest.Server {
	return httpdtest.New(t, httpdtest.Options{
		PublicURL: "https://chat.example.com:8443", Hosts: []string{"extra.example", "xn--bcher-kva.example"},
		AllowedOrigins: []string{"https://app.example.com:3000", "*"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Certified:      func(host string) bool { return host == "certified.example" },
	})
}

// to makes a request to a host, which need not be valid.
func to(h http.Handler, host, from string, header http.Header) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/ws", nil)
	r.Host, r.Header = host, header
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// TestHosts asks under each host, as a browser and as a program, directly and through a
// trusted proxy. 426 says that the host is the gateway's.
func TestHosts(t *testing.T) {
	t.Parallel()
	const direct, proxied = "198.51.100.7:1", "192.0.2.1:1"
	h := namedGateway(t)
	for host, own := range hostRows {
		refused := func(how string, r *http.Response, want bool) {
			t.Helper()
			if want {
				wantError(t, r, http.StatusMisdirectedRequest, protocol.InvalidRequest)
			} else if r.StatusCode == http.StatusMisdirectedRequest {
				t.Errorf("%s %q: HTTP 421", how, host)
			}
		}
		for name, value := range map[string]string{"Origin": "http://" + host, "Sec-Fetch-Site": "same-origin",
			"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Upgrade-Insecure-Requests": "1"} {
			refused(name, to(h, host, direct, http.Header{name: {value}}), !own)
			refused(name, to(h, host, "127.0.0.1:1", http.Header{name: {value}}), !own)
		}
		refused("a program", to(h, host, direct, http.Header{}), false)
		if host == "" {
			continue
		}
		origin := http.Header{"Origin": {"https://chat.example.com:8443"}, "X-Forwarded-Host": {host}}
		refused("proxied", to(h, "evil.example", proxied, origin), !own)
		refused("not a proxy", to(h, "evil.example", direct, origin), true)
		origin.Set("X-Forwarded-Host", "localhost, "+host)
		refused("proxied, last", to(h, "localhost", proxied, origin), !own)
		origin.Set("X-Forwarded-Host", host+", localhost")
		refused("proxied, first", to(h, "localhost", proxied, origin), !own)
		if !strings.ContainsAny(host, "ü") {
			refused("Forwarded", to(h, "evil.example", proxied, http.Header{
				"Origin": {"https://chat.example.com:8443"}, "Forwarded": {`host="` + host + `"`}}), !own)
		}
	}
}

// TestForeignHostEverywhere asks under a foreign host for every kind of address.
func TestForeignHostEverywhere(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{AllowedOrigins: []string{"*"}})
	for _, row := range []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/s/x"}, {"GET", "/login"}, {"GET", "/docs"}, {"GET", "/docs/http"},
		{"GET", "/admin"}, {"GET", "/admin/audit.csv"}, {"GET", "/metrics"}, {"GET", "/ws"},
		{"GET", h.Assets.URL("app.css")}, {"HEAD", "/"}, {"GET", "/pair/qr.svg"}, {"GET", "/nothing"},
		{"POST", "/api/session"}, {"DELETE", "/api/session"}, {"OPTIONS", "/api/session"},
		{"POST", "/api/media/upload"}, {"POST", "/v1/media/upload"}, {"GET", "/api/media/x"},
		{"GET", "/v1/nothing"}, {"TRACE", "/"},
	} {
		r := request{method: row.method, url: "http://evil.example" + row.path, from: "127.0.0.1",
			origin: "http://evil.example", header: http.Header{"Accept": {"text/html,*/*;q=0.8"}}}.do(h)
		body := text(t, r)
		if r.StatusCode != http.StatusMisdirectedRequest || len(setCookies(r)) > 0 ||
			!strings.Contains(body, "evil.example") || !strings.Contains(body, "gateway.hosts") ||
			r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: HTTP %d %v %s", row.method, row.path, r.StatusCode, r.Header, body)
		}
		isPage := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
		api := strings.HasPrefix(row.path, "/api/") || strings.HasPrefix(row.path, "/v1/")
		if want := (row.method == "GET" || row.method == "HEAD") && !api; isPage != want {
			t.Errorf("%s %s is a page: %v", row.method, row.path, isPage)
		}
	}
	for _, path := range []string{"/health", "/readyz"} {
		if r := (request{url: "http://evil.example" + path, origin: "http://evil.example"}).do(h); r.StatusCode != http.StatusOK {
			t.Errorf("%s: HTTP %d", path, r.StatusCode)
		}
	}
}

// TestForeignHostIsReported checks the log, which is bounded, the counters and the page.
func TestForeignHostIsReported(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	const asked = 500
	for range asked {
		request{url: "http://chat.example.com:8080/ws", origin: "http://chat.example.com:8080"}.do(h)
	}
	log := h.Log.String()
	lines := strings.Count(log, "security.host_rejected")
	if lines == 0 || lines > 100 || !strings.Contains(log, "host=chat.example.com:8080 ") ||
		!strings.Contains(log, `mend="gateway: { hosts: [\"chat.example.com\"] }"`) {
		t.Errorf("%d lines: %.500s", lines, log)
	}
	w := httptest.NewRecorder()
	h.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{fmt.Sprintf("gatehouse_hosts_rejected_total %d\n", asked),
		fmt.Sprintf("gatehouse_upgrades_refused_total{cause=\"host\"} %d\n", asked)} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("no %q", line)
		}
	}
	// Over TLS the browser gets no style sheet either: pictures must not fill the page.
	r := to(h, "chat.example.com", "198.51.100.7:1", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}})
	for _, svg := range strings.Split(text(t, r), "<svg ")[1:] {
		if tag, _, _ := strings.Cut(svg, ">"); !strings.Contains(tag, ` width="`) || !strings.Contains(tag, ` height="`) {
			t.Errorf("a picture without a size: %s", tag)
		}
	}
	for _, host := range []string{"<b>.example", strings.Repeat("a", 10_000) + ".example", "\xff.example"} {
		h.Log.Forget()
		r := to(h, host, "198.51.100.7:1", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}})
		body := text(t, r)
		if r.StatusCode != http.StatusMisdirectedRequest || strings.Contains(body, "<b>") ||
			len(body) > 10_000 || len(h.Log.String()) > 1000 ||
			!strings.Contains(body, "chat.example.com") {
			t.Errorf("%.20q: HTTP %d %s %s", host, r.StatusCode, body, h.Log.String())
		}
	}
}

// TestHostOnTheWire sends what clients of net/http do not.
func TestHostOnTheWire(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t, httpdtest.Options{}))
	t.Cleanup(server.Close)
	for name, row := range map[string]struct {
		request string
		status  int
	}{
		"a browser":               {"GET /ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n", 421},
		"the target names a host": {"GET http://evil.example/ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 421},
		"two hosts":               {"GET /ws HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nOrigin: http://localhost\r\n\r\n", 400},
		"no host":                 {"GET /ws HTTP/1.0\r\nOrigin: null\r\n\r\n", 421},
		"an empty host":           {"GET /ws HTTP/1.1\r\nHost:\r\nOrigin: null\r\n\r\n", 421},
		"an empty origin":         {"GET /ws HTTP/1.1\r\nHost: evil.example\r\nOrigin:\r\n\r\n", 421},
		"a program without host":  {"GET /ws HTTP/1.0\r\n\r\n", 426},
	} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, row.request)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || r.StatusCode != row.status {
			t.Errorf("%s: %v, %v; want %d", name, r, err, row.status)
		} else {
			_ = r.Body.Close()
		}
		_ = c.Close()
	}
}

// TestOwnHost is the listener for metrics: programs are asked for the host, too.
func TestOwnHost(t *testing.T) {
	t.Parallel()
	log := &httpdtest.Log{}
	h := httpd.OwnHost(httpd.OwnHostOptions{
		Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: metrics.New(),
		Hosts:    httpd.Hosts{Machine: httpdtest.Machine, Certified: func(host string) bool { return host == "certified.example" }},
		Settings: setting.Fixed(httpd.Settings{PublicURL: "https://chat.example.com", Hosts: []string{"extra.example", "xn--bcher-kva.example"}, AllowedOrigins: []string{"https://app.example.com"}}),
	}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, own := range hostRows {
		r := to(h, host, "127.0.0.1:1", http.Header{"X-Forwarded-Host": {"localhost"}})
		if (r.StatusCode == http.StatusOK) != own {
			t.Errorf("%q: HTTP %d", host, r.StatusCode)
		}
	}
	if lines := strings.Count(log.String(), "security.host_rejected"); lines == 0 || lines > 20 {
		t.Errorf("%d lines", lines)
	}
}

// FuzzHost asks under any host: it must not be taken for another name.
func FuzzHost(f *testing.F) {
	for host := range hostRows {
		f.Add(host)
	}
	h := httpd.OwnHost(httpd.OwnHostOptions{
		Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(),
		Settings: setting.Fixed(httpd.Settings{Hosts: []string{"chat.example.com"}}),
	}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f.Fuzz(func(t *testing.T, host string) {
		if to(h, host, "127.0.0.1:1", http.Header{}).StatusCode != http.StatusOK {
			return
		}
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") &&
			strings.Trim(name[i+1:], "0123456789") == "" {
			if _, err := netip.ParseAddr(name); err != nil {
				name = strings.TrimSuffix(name[:i], ".")
			}
		}
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || !strings.Contains(name, ".") {
			return
		}
		for _, end := range []string{".localhost", ".local", ".lan", ".internal", ".home.arpa", "chat.example.com"} {
			if strings.HasSuffix(name, end) && !strings.ContainsAny(name, "@/:[]#?") {
				return
			}
		}
		t.Errorf("%q is taken for the gateway's", host)
	})
}

// TestHostAdvice checks which line mends that the gateway does not know a host: a proxy may
// have put that host in place of the one that the browser asked for.
func TestHostAdvice(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	const nginx, hosts = "nginx: proxy_set_header Host $http_host;", "gateway: { hosts: ["
	for _, row := range []struct {
		host, origin string
		nginx        bool
		hosts        string
	}{
		{"chat.example.com", "https://chat.example.com", false, "chat.example.com"},
		{"chat.example.com:8080", "https://CHAT.example.com", false, "chat.example.com"},
		{"backend.example.com", "https://chat.example.com", true, "backend.example.com"},
		{"", "https://chat.example.com", true, ""},
	} {
		before := len(h.Log.String())
		q := httptest.NewRequest(http.MethodPost, "/api/session", nil)
		q.Host = row.host
		q.Header.Set("Origin", row.origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		_, logged, _ := strings.Cut(h.Log.String()[before:], "security.host_rejected")
		if w.Code != http.StatusMisdirectedRequest {
			t.Fatalf("%+v: HTTP %d", row, w.Code)
		}
		for _, seen := range []string{w.Body.String(), logged} {
			_, named, _ := strings.Cut(strings.ReplaceAll(seen, `\"`, `"`), hosts+`"`)
			if name, _, _ := strings.Cut(named, `"`); name != row.hosts || strings.Contains(seen, nginx) != row.nginx {
				t.Errorf("%+v: %s", row, seen)
			}
		}
	}
}
