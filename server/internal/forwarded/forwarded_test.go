package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

var (
	peer    = netip.MustParseAddr("192.0.2.1")
	proxies = netip.MustParsePrefix("192.0.2.0/24")
)

// header makes a header of name: value lines.
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		h      http.Header
		scheme string
		hosts  string // with spaces between them
		port   string
		client string // empty: that of the peer
		vague  bool   // the address is not certain
	}{
		{name: "nothing"},
		{name: "https", h: header("X-Forwarded-Proto: https"), scheme: HTTPS},
		{name: "http", h: header("X-Forwarded-Proto: http"), scheme: HTTP},
		{name: "wss", h: header("X-Forwarded-Proto: wss"), scheme: HTTPS},
		{name: "ws", h: header("X-Forwarded-Proto: ws"), scheme: HTTP},
		{name: "capitals", h: header("X-Forwarded-Proto: WSS"), scheme: HTTPS},
		{name: "spaces", h: header("X-Forwarded-Proto:   Wss "), scheme: HTTPS},
		{name: "a list", h: header("X-Forwarded-Proto: wss,http"), scheme: HTTPS},
		{name: "a list in two lines", h: header("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
			scheme: HTTPS},
		{name: "a list whose first item is empty", h: header("X-Forwarded-Proto: , https"), scheme: HTTPS},
		{name: "plain in front of TLS", h: header("X-Forwarded-Proto: ws, https"), scheme: HTTP},
		{name: "no scheme", h: header("X-Forwarded-Proto: gopher")},
		{name: "ssl", h: header("X-Forwarded-Ssl: on"), scheme: HTTPS},
		{name: "ssl off", h: header("X-Forwarded-Ssl: off")},
		{name: "front end", h: header("Front-End-Https: On"), scheme: HTTPS},
		{name: "scheme", h: header("X-Forwarded-Scheme: https"), scheme: HTTPS},
		{name: "proto before ssl", h: header("X-Forwarded-Proto: http", "X-Forwarded-Ssl: on"),
			scheme: HTTP},
		{name: "host", h: header("X-Forwarded-Host: Chat.Example:8443"), hosts: "Chat.Example:8443"},
		{name: "hosts", h: header("X-Forwarded-Host: a.example, b.example"), hosts: "a.example b.example"},
		{name: "port", h: header("X-Forwarded-Port: 8443"), port: "8443"},
		{name: "ports", h: header("X-Forwarded-Port: 443,80"), port: "443"},
		{name: "no port", h: header("X-Forwarded-Port: https")},
		{name: "address", h: header("X-Forwarded-For: 203.0.113.9"), client: "203.0.113.9"},
		{name: "address with a port", h: header("X-Forwarded-For: 203.0.113.9:5678"), client: "203.0.113.9"},
		{name: "IPv6", h: header("X-Forwarded-For: 2001:db8::9"), client: "2001:db8::9"},
		{name: "IPv6 in brackets", h: header("X-Forwarded-For: [2001:db8::9]"), client: "2001:db8::9"},
		{name: "IPv6 with a port", h: header("X-Forwarded-For: [2001:db8::9]:443"), client: "2001:db8::9"},
		{name: "IPv6 with a zone", h: header("X-Forwarded-For: fe80::1%eth0"), client: "fe80::1"},
		{name: "mapped", h: header("X-Forwarded-For: ::ffff:203.0.113.9"), client: "203.0.113.9"},
		{name: "mapped, with a port", h: header("X-Forwarded-For: [::ffff:203.0.113.9]:1"),
			client: "203.0.113.9"},
		{name: "chain", h: header("X-Forwarded-For: 10.0.0.1, 203.0.113.9:1, 192.0.2.2"),
			client: "203.0.113.9"},
		{name: "nonsense", h: header("X-Forwarded-For: nonsense"), vague: true},
		{name: "nonsense in the chain", h: header("X-Forwarded-For: 203.0.113.9, x y, 192.0.2.5"),
			client: "192.0.2.5", vague: true},
		{name: "unknown in the chain", h: header("X-Forwarded-For: 203.0.113.9, unknown"), client: ""},

		{name: "RFC 7239", scheme: HTTPS, hosts: "example.com:443", client: "2001:db8::1",
			h: header(`Forwarded: proto="wss";host="example.com:443";for="[2001:db8::1]:4711"`)},
		{name: "names and values in any case", h: header(`forwarded: FOR=203.0.113.9; Proto=HTTPS ;HOST=a.example`),
			scheme: HTTPS, hosts: "a.example", client: "203.0.113.9"},
		{name: "elements", scheme: HTTPS, hosts: "a.example b.example", client: "203.0.113.9",
			h: header(`Forwarded: for=203.0.113.9;host=a.example;proto=https, for=192.0.2.2;host=b.example;proto=http`)},
		{name: "elements in two lines", scheme: HTTPS, client: "203.0.113.9",
			h: header(`Forwarded: for=203.0.113.9;proto=https`, `Forwarded: for=192.0.2.2;proto=http`)},
		{name: "what the client put in front", h: header(`Forwarded: for=10.0.0.1, for=203.0.113.9`),
			client: "203.0.113.9"},
		{name: "hidden", h: header(`Forwarded: for=203.0.113.9, for=_hidden`)},
		{name: "hidden with a port", h: header(`Forwarded: for="_SEVKISEK:47011"`)},
		{name: "unknown", h: header(`Forwarded: for=unknown`)},
		{name: "hidden port", h: header(`Forwarded: for="203.0.113.9:_gazonk"`), client: "203.0.113.9"},
		{name: "IPv6 without quotes", h: header(`Forwarded: for=2001:db8::9;proto=https`), scheme: HTTPS,
			client: "2001:db8::9"},
		{name: "escapes", h: header(`Forwarded: host="a\.example"`), hosts: "a.example"},
		{name: "separators in quotes", h: header(`Forwarded: by="a,b;c=\"";proto=https`), scheme: HTTPS},
		{name: "empty elements", h: header(`Forwarded: ,for=203.0.113.9;;,`), client: "203.0.113.9"},
		{name: "an open quote", h: header(`Forwarded: for="203.0.113.9;proto=https`), vague: true},
		{name: "no value", h: header(`Forwarded: for=;proto=https`), vague: true},
		{name: "no pair", h: header(`Forwarded: 203.0.113.9`), vague: true},
		{name: "twice the same", h: header(`Forwarded: for=203.0.113.9;for=203.0.113.10`), vague: true},
		{name: "text behind a quote", h: header(`Forwarded: for="203.0.113.9"x`), vague: true},
		{name: "a broken line before a good one", client: "192.0.2.2", scheme: HTTPS, vague: true,
			h: header(`Forwarded: for="`, `Forwarded: for=192.0.2.2;proto=https`)},
		{name: "a broken line after a good one", vague: true,
			h: header(`Forwarded: for=203.0.113.9;proto=https;host=a.example`, `Forwarded: "`)},

		{name: "both, the same", scheme: HTTPS, hosts: "a.example", client: "203.0.113.9",
			h: header("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: wss", "X-Forwarded-Host: a.example",
				"Forwarded: for=203.0.113.9;proto=https;host=A.example")},
		{name: "both, two addresses", vague: true,
			h: header("X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.10")},
		{name: "both, one broken", vague: true, h: header("X-Forwarded-For: 203.0.113.9", `Forwarded: for="`)},
		{name: "both, the address in one", client: "203.0.113.9",
			h: header("X-Forwarded-For: 203.0.113.9", "Forwarded: host=evil.example")},
		{name: "Forwarded alone has the address", scheme: HTTPS,
			h: header("X-Forwarded-Proto: https", "Forwarded: for=10.0.0.1")},
		{name: "both, two schemes", scheme: HTTPS,
			h: header("X-Forwarded-Proto: http", "Forwarded: proto=https")},
		{name: "both, two schemes, the other way round", scheme: HTTPS,
			h: header("X-Forwarded-Proto: https", "Forwarded: proto=http")},
		{name: "both, two hosts", scheme: HTTPS, h: header("X-Forwarded-Proto: https",
			"X-Forwarded-Host: a.example", "Forwarded: host=b.example")},
		{name: "a client's Forwarded names the host", scheme: HTTPS,
			h: header("X-Forwarded-Proto: https", "Forwarded: host=evil.example")},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := Read(row.h)
			if c.Scheme != row.scheme || !slices.Equal(c.Hosts, strings.Fields(row.hosts)) ||
				c.Port != row.port {
				t.Errorf("claims %+v", c)
			}
			want := peer
			if row.client != "" {
				want = netip.MustParseAddr(row.client)
			}
			a, certain := c.Client(peer, proxies.Contains)
			if a != want || certain == row.vague {
				t.Errorf("the client is %v, certain %v; want %v", a, certain, want)
			}
			if Present(row.h) != (len(row.h) > 0) {
				t.Errorf("Present is %v", Present(row.h))
			}
		})
	}
}

// FuzzRead reads headers with any text.
func FuzzRead(f *testing.F) {
	f.Add("203.0.113.9:1", "wss,https", "a.example", "8443", `for="[2001:db8::1]:4711";proto="wss"`)
	f.Add("[::1", "on", "a,b", "0", `for="\`)
	f.Add(",,", " ,", "[::1]:80", "65536", `;,=,for==,"`)
	f.Fuzz(func(t *testing.T, xff, proto, host, number, rfc string) {
		h := http.Header{"X-Forwarded-For": {xff}, "X-Forwarded-Proto": {proto},
			"X-Forwarded-Host": {host}, "X-Forwarded-Port": {number}, "Forwarded": {rfc}}
		c := Read(h)
		if c.Scheme != "" && c.Scheme != HTTP && c.Scheme != HTTPS {
			t.Errorf("scheme %q", c.Scheme)
		}
		if slices.Contains(c.Hosts, "") {
			t.Errorf("hosts %q", c.Hosts)
		}
		a, _ := c.Client(peer, proxies.Contains)
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Errorf("client %v", a)
		}
		// Without X-Forwarded-For, Forwarded must not name a client beside X-Forwarded-*.
		h.Del("X-Forwarded-For")
		if len(items(h, "X-Forwarded-Host")) > 0 {
			if a, _ := Read(h).Client(peer, proxies.Contains); a != peer {
				t.Errorf("Forwarded names %v beside X-Forwarded-*", a)
			}
		}
	})
}
