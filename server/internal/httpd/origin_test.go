package httpd_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestOrigins requests /ws without an upgrade: 426 says that the origin is allowed.
func TestOrigins(t *testing.T) {
	t.Parallel()
	const plain, listed, anybody, public, proxied = "plain", "listed", "anybody", "public", "proxied"
	gateways := map[string]*httpdtest.Server{}
	for name, o := range map[string]httpdtest.Options{
		plain:   {},
		listed:  {AllowedOrigins: []string{"https://app.example.com", "http://localhost:3000"}},
		anybody: {AllowedOrigins: []string{"*"}},
		public:  {PublicURL: "https://chat.example.com"},
		proxied: {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
			Hosts: []string{"chat.example.com", "gate.example"}},
	} {
		gateways[name] = httpdtest.New(t, o)
	}
	forwarded := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"chat.example.com"}}
	asked := func(name, value string) http.Header { return http.Header{name: {value}} }
	for _, row := range []struct {
		name    string
		gateway string
		q       request
		refused bool
	}{
		{"none", plain, request{}, false},
		{"our own", plain, request{origin: base}, false},
		{"our own in capitals", plain, request{origin: "HTTP://GATE.Example:8080"}, false},
		{"our own, with the usual port", plain, request{url: "http://gate.example/ws",
			origin: "http://gate.example:80"}, false},
		{"our own, asked with the usual port", plain,
			request{url: "http://gate.example:80/ws", origin: "http://gate.example"}, false},
		{"our own over TLS", plain, request{url: "https://gate.example/ws",
			origin: "https://gate.example"}, false},
		{"our own over TLS, with the usual port", plain,
			request{url: "https://gate.example:443/ws", origin: "https://gate.example"}, false},
		{"our own, IPv6", plain, request{url: "http://[::1]:80/ws", origin: "http://[::1]"}, false},
		{"our own, IPv6 with a port", plain, request{url: "http://[::1]:8080/ws",
			origin: "http://[::1]:8080"}, false},
		{"another scheme", plain, request{origin: "https://gate.example:8080"}, true},
		{"another port", plain, request{origin: "http://gate.example:8081"}, true},
		{"no port", plain, request{origin: "http://gate.example"}, true},
		{"a name that begins like ours", plain, request{origin: base + ".attacker.example"}, true},
		{"a name that ends like ours", plain, request{origin: "http://attacker-gate.example:8080"}, true},
		{"with a path", plain, request{origin: base + "/"}, true},
		{"with a user", plain, request{origin: "http://me@gate.example:8080"}, true},
		{"foreign", plain, request{origin: "https://attacker.example"}, true},
		{"null", plain, request{origin: "null"}, true},
		{"a very long one", plain, request{origin: "http://" + strings.Repeat("a", 20_000)}, true},
		{"invalid text", plain, request{origin: "http://\xff\xfe"}, true},

		{"listed", listed, request{origin: "https://app.example.com"}, false},
		{"listed, with the usual port", listed, request{origin: "https://app.example.com:443"}, false},
		{"listed, with a port", listed, request{origin: "http://localhost:3000"}, false},
		{"listed with another port", listed, request{origin: "http://localhost:3001"}, true},
		{"listed with another scheme", listed, request{origin: "http://app.example.com"}, true},
		{"below a listed one", listed, request{origin: "https://evil.app.example.com"}, true},
		{"our own beside listed ones", listed, request{origin: base}, false},
		{"null beside listed ones", listed, request{origin: "null"}, true},

		{"anybody", anybody, request{origin: "https://anybody.example"}, false},
		{"null, with anybody", anybody, request{origin: "null"}, false},

		{"the public URL", public, request{origin: "https://chat.example.com"}, false},
		{"the public URL with another scheme", public, request{origin: "http://chat.example.com"}, true},

		{"a trusted proxy's name", proxied, request{origin: "https://chat.example.com",
			header: forwarded}, false},
		{"a trusted proxy's name, another origin", proxied, request{origin: base, header: forwarded},
			true},
		{"Traefik's scheme of an upgrade", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com", header: asked("X-Forwarded-Proto", "wss")}, false},
		{"the plain scheme of an upgrade", proxied, request{url: "http://chat.example.com/ws",
			origin: "http://chat.example.com", header: asked("X-Forwarded-Proto", "WS")}, false},
		{"the plain scheme of an upgrade, a page over TLS", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com", header: asked("X-Forwarded-Proto", "ws")}, true},
		{"a list of schemes", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com", header: asked("X-Forwarded-Proto", "wss, http")}, false},
		{"Forwarded", proxied, request{url: "http://10.0.0.1:8080/ws", origin: "https://chat.example.com",
			header: asked("Forwarded", `for=203.0.113.9;proto=wss;host="chat.example.com:443"`)}, false},
		{"Forwarded of anybody", proxied, request{url: "http://10.0.0.1:8080/ws", from: "198.51.100.7",
			origin: "https://chat.example.com", header: asked("Forwarded", "proto=https;host=chat.example.com")},
			true},
		{"the port of the proxy", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com:8443",
			header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"8443"}}}, false},
		{"the port between two proxies", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com",
			header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"8080"}}}, false},
		{"the port in Host alone", proxied, request{url: "http://chat.example.com:8443/ws",
			origin: "https://chat.example.com:8443",
			header: forwarded}, false},
		{"no port anywhere", proxied, request{url: "http://chat.example.com/ws",
			origin: "https://chat.example.com:8443", header: forwarded}, true},
		{"an untrusted proxy's name", proxied, request{from: "198.51.100.7",
			origin: "https://chat.example.com", header: forwarded}, true},
		{"an untrusted proxy, our own name", proxied,
			request{from: "198.51.100.7", origin: base, header: forwarded}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := gateways[row.gateway]
			before := len(h.Log.String())
			if row.q.url == "" {
				row.q.url = "/ws"
			}
			r := row.q.do(h)
			log := h.Log.String()[before:]
			logged := strings.Contains(log, "security.origin_rejected")
			if !row.refused {
				if wantError(t, r, http.StatusUpgradeRequired, protocol.InvalidRequest); logged {
					t.Error("logged as rejected")
				}
				return
			}
			if wantError(t, r, http.StatusForbidden, protocol.Forbidden); !logged || len(log) > 2000 {
				t.Errorf("the log is %.2000s", log)
			}
		})
	}
}

// TestCORS uses the HTTP API from pages of other origins.
func TestCORS(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{AllowedOrigins: []string{"https://listed.example"}})
	preflight := func(origin string) *http.Response {
		return request{method: "OPTIONS", url: "/api/session", origin: origin, header: http.Header{
			"Access-Control-Request-Method":  {"POST"},
			"Access-Control-Request-Headers": {"content-type"}}}.do(h)
	}
	r := preflight("https://listed.example")
	if r.StatusCode != http.StatusNoContent ||
		r.Header.Get("Access-Control-Allow-Origin") != "https://listed.example" {
		t.Errorf("a listed page's preflight: HTTP %d, %v", r.StatusCode, r.Header)
	}
	wantError(t, preflight("https://attacker.example"), http.StatusForbidden, protocol.Forbidden)
	for name, row := range map[string]struct {
		header  http.Header
		refused bool
	}{
		"foreign": {http.Header{"Origin": {"https://attacker.example"},
			"Sec-Fetch-Site": {"cross-site"}}, true},
		"a form elsewhere, no origin": {http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		"the same site, no origin":    {http.Header{"Sec-Fetch-Site": {"same-site"}}, true},
		"a program":                   {http.Header{}, false},
		"our own page": {http.Header{"Origin": {base},
			"Sec-Fetch-Site": {"same-origin"}}, false},
		"our own page, no Origin header": {http.Header{"Sec-Fetch-Site": {"same-origin"}}, false},
		"null": {http.Header{"Origin": {"null"},
			"Sec-Fetch-Site": {"cross-site"}}, true},
	} {
		row.header.Set("Content-Type", "application/json")
		r := request{method: "POST", url: "/api/session", header: row.header, body: "{}"}.do(h)
		if refused := r.StatusCode == http.StatusForbidden; refused != row.refused {
			t.Errorf("%s: HTTP %d", name, r.StatusCode)
		}
		if r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed", name)
		}
		if row.refused && (len(setCookies(r)) > 0 || r.Header.Get("Access-Control-Allow-Origin") != "") {
			t.Errorf("%s: refused with %v", name, r.Header)
		}
		if !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: Vary is %v", name, r.Header.Values("Vary"))
		}
	}
}

// TestAddresses checks which address counts, by the log.
func TestAddresses(t *testing.T) {
	t.Parallel()
	proxies := httpdtest.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("fd00::/8")}}
	trusting := httpdtest.New(t, proxies)
	for _, row := range []struct {
		name    string
		options httpdtest.Options
		from    string
		xff     []string
		want    string
		warns   bool
	}{
		{"the socket", httpdtest.Options{}, "198.51.100.7", nil, "198.51.100.7", false},
		{"an IPv4 address in IPv6", httpdtest.Options{}, "::ffff:198.51.100.7", nil, "198.51.100.7",
			false},
		{"an untrusted header", httpdtest.Options{}, "198.51.100.7", []string{"203.0.113.9"},
			"198.51.100.7", true},
		{"an untrusted header beside trusted proxies", proxies, "198.51.100.7", []string{"203.0.113.9"},
			"198.51.100.7", true},
		{"a trusted proxy", proxies, "192.0.2.1", []string{"203.0.113.9"}, "203.0.113.9", false},
		{"a trusted proxy in IPv6", proxies, "fd00::1", []string{"2001:db8::9"}, "2001:db8::9", false},
		{"a chain of trusted proxies", proxies, "192.0.2.1", []string{"203.0.113.9, 192.0.2.2,192.0.2.3"},
			"203.0.113.9", false},
		{"what the client put in front", proxies, "192.0.2.1", []string{"10.0.0.1, 203.0.113.9"},
			"203.0.113.9", false},
		{"two headers", proxies, "192.0.2.1", []string{"10.0.0.1", "203.0.113.9"}, "203.0.113.9", false},
		{"only trusted ones", proxies, "192.0.2.1", []string{"192.0.2.9, 192.0.2.8"}, "192.0.2.9", false},
		{"no header", proxies, "192.0.2.1", nil, "192.0.2.1", false},
		{"nonsense", proxies, "192.0.2.1", []string{"nonsense"}, "192.0.2.1", false},
		{"nonsense behind a proxy", proxies, "192.0.2.1", []string{"203.0.113.9, unknown, 192.0.2.5"},
			"192.0.2.5", false},
		{"a trusted proxy whose address is IPv4 in IPv6", proxies, "::ffff:192.0.2.1",
			[]string{"203.0.113.9"}, "203.0.113.9", false},
		{"an address with its port", proxies, "192.0.2.1", []string{"203.0.113.9:5678"}, "203.0.113.9",
			false},
		{"IPv4 in IPv6 in the header", proxies, "192.0.2.1", []string{"::ffff:203.0.113.9"},
			"203.0.113.9", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := trusting
			if row.options.TrustedProxies == nil || row.warns { // each gateway limits its warnings
				h = httpdtest.New(t, row.options)
			}
			before := len(h.Log.String())
			for range 3 {
				request{url: "/ws", from: row.from, origin: "https://attacker.example",
					header: http.Header{"X-Forwarded-For": row.xff}}.do(h)
			}
			log := h.Log.String()[before:]
			if !strings.Contains(log, "address="+row.want+" ") {
				t.Errorf("want address %s in %s", row.want, log)
			}
			warned := strings.Count(log, "trusted_proxies")
			if row.warns && warned != 1 || !row.warns && warned != 0 {
				t.Errorf("warned %d times: %s", warned, log)
			}
		})
	}
}

// TestOriginAdvice checks that log and answer name the lines that mend a proxy which hides
// what the browser asked for, and that they never advise to allow the gateway's own origin
// or to give a stranger's as gateway.public_url.
func TestOriginAdvice(t *testing.T) {
	t.Parallel()
	const (
		host   = "nginx: proxy_set_header Host $http_host;"
		proto  = "nginx: proxy_set_header X-Forwarded-Proto $scheme;"
		trust  = "gateway.trusted_proxies"
		public = "gateway.public_url"
		list   = "gateway.allowed_origins"
		file   = "serve the page over HTTP"
	)
	h := httpdtest.New(t, httpdtest.Options{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	const stranger = "198.51.100.7"
	xfp := func(scheme string) http.Header { return http.Header{"X-Forwarded-Proto": {scheme}} }
	for _, row := range []struct {
		name string
		q    request
		want []string // of those above; the others must not be there
	}{
		{"no port", request{url: "http://gate.example/ws", origin: "https://gate.example:8443",
			header: xfp("https")}, []string{host, public, list}},
		{"no scheme", request{url: "http://gate.example/ws", origin: "https://gate.example"},
			[]string{proto, public}},
		{"a wrong scheme", request{url: "http://gate.example/ws", origin: "https://gate.example",
			header: xfp("http")}, []string{proto, public}},
		{"TLS that is none", request{url: "http://gate.example/ws", origin: "http://gate.example",
			header: xfp("https")}, []string{proto, public}},
		{"neither scheme nor port", request{url: "http://gate.example/ws",
			origin: "https://gate.example:8443"}, []string{host, proto, public}},
		{"headers of a proxy that is not trusted", request{url: "http://gate.example/ws", from: stranger,
			origin: "https://gate.example", header: xfp("https")}, []string{proto, trust, public}},
		{"a proxy without headers that is not trusted", request{url: "http://gate.example/ws",
			from: stranger, origin: "https://gate.example"}, []string{proto, trust, public}},
		{"no host", request{url: "http://127.0.0.1:8080/ws", origin: "https://gate.example",
			header: xfp("https")}, []string{host, list}},
		{"neither scheme nor host", request{url: "http://127.0.0.1:8080/ws", origin: "https://gate.example"},
			[]string{host, proto, list}},
		{"the gateway's port", request{url: "http://gate.example:8080/ws", origin: "https://gate.example",
			header: xfp("https")}, []string{host, public, list}},
		{"the gateway's port, and the browser knows it", request{url: "http://gate.example:8080/ws", from: stranger,
			origin: "http://gate.example", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
			[]string{host, public}},
		{"no host, and the browser knows it", request{url: "http://127.0.0.1:8080/ws", from: stranger,
			origin: "https://gate.example", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
			[]string{host, proto, trust, public}},
		{"a page on another port", request{url: "http://localhost:8080/ws", from: stranger,
			origin: "http://localhost:3000"}, []string{list}},
		{"a page from a file", request{origin: "null", from: stranger}, []string{list, file}},
		{"a picture in another site's page", request{url: "/api/media/x", from: stranger,
			header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}}}, []string{list}},
		{"another site's page", request{origin: "https://attacker.example", from: stranger},
			[]string{list}},
		{"another site's page behind a proxy", request{origin: "https://attacker.example",
			header: xfp("https")}, []string{list}},
		{"another site's page, directly", request{url: "http://127.0.0.1:8080/ws",
			origin: "https://attacker.example", from: stranger}, []string{list}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.q.url == "" {
				row.q.url = "/ws"
			}
			before := len(h.Log.String())
			r := row.q.do(h)
			answer := text(t, r)
			_, logged, _ := strings.Cut(h.Log.String()[before:], "security.origin_rejected")
			if r.StatusCode != http.StatusForbidden {
				t.Fatalf("HTTP %d %s", r.StatusCode, answer)
			}
			for _, advice := range []string{host, proto, trust, public, list, file} {
				wanted := slices.Contains(row.want, advice)
				for _, seen := range []string{answer, logged} {
					if strings.Contains(seen, advice) != wanted {
						t.Errorf("%q is there: %v, in %s", advice, !wanted, seen)
					}
				}
			}
			if slices.Contains(row.want, trust) &&
				(strings.Contains(answer, stranger) || !strings.Contains(logged, `[\"`+stranger+`\"]`)) {
				t.Errorf("the proxy's address belongs in the log alone: %s %s", answer, logged)
			}
		})
	}
}
