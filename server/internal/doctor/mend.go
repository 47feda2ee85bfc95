package doctor

import (
	"net"
	"strings"
)

// The programs whose configuration may be at fault, and who asks.
const (
	gatehouse = "gatehouse"
	nginx     = "nginx"
	caddy     = "caddy"
	haproxy   = "haproxy"
	you       = "you"
)

func mends(pairs ...string) (all []Mend) {
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, Mend{Where: pairs[i], Line: pairs[i+1]})
	}
	return all
}

func mendAddress() []Mend {
	return mends(you, "gatehouse doctor https://chat.example.com")
}

func mendName(host string) []Mend {
	return mends(you, "add an A or AAAA record for "+host+" where its domain is kept")
}

func mendPort(port string) []Mend {
	return mends(
		gatehouse, `gateway: { listen: ":`+port+`" }  // 127.0.0.1 is reached from its own machine alone`,
		nginx, "listen "+port+";",
		caddy, ":"+port+" {",
		haproxy, "bind :"+port,
		you, "let port "+port+" through firewalls; with docker: -p "+port+":8080",
	)
}

// mendCertificate gets a certificate for a host, from an authority if one can
// know the host.
func mendCertificate(host string) []Mend {
	if private(host) {
		return mends(
			gatehouse, `tls: { cert_file: "cert.pem", key_file: "key.pem" }  // for `+host+`; no public authority certifies that`,
			nginx, "ssl_certificate /etc/ssl/cert.pem;",
			caddy, "tls internal",
			haproxy, "bind :443 ssl crt /etc/haproxy/cert.pem",
		)
	}
	return mends(
		gatehouse, `tls: { acme_hosts: ["`+host+`"], redirect_listen: ":80" }  // or tls.cert_file and tls.key_file`,
		nginx, "ssl_certificate /etc/ssl/"+host+".pem;  # the whole chain, the own certificate first",
		caddy, host+" {  # it gets a certificate by itself",
		haproxy, "bind :443 ssl crt /etc/haproxy/"+host+".pem",
	)
}

// private reports whether a host is an address, or a name of a machine alone.
func private(host string) bool { return net.ParseIP(host) != nil || !strings.Contains(host, ".") }

func mendUnknownAuthority(host string) []Mend {
	return append(mendCertificate(host), Mend{you, "for an authority of your own: SSL_CERT_FILE=ca.pem gatehouse doctor …, and install ca.pem in the browsers"})
}

func mendPlainText(host string) []Mend {
	return append(mends(you, "use http://"+host+" if it is to stay without TLS"), mendCertificate(host)...)
}

func mendClock() []Mend {
	return mends(you, "timedatectl set-ntp true  # on the machine whose clock is wrong")
}

func mendUpstream() []Mend {
	return mends(
		gatehouse, `gateway: { listen: "127.0.0.1:8080" }  // and see whether it runs: gatehouse health`,
		nginx, "proxy_pass http://127.0.0.1:8080;",
		caddy, "reverse_proxy 127.0.0.1:8080",
		haproxy, "server gatehouse 127.0.0.1:8080",
	)
}

func mendRoute() []Mend {
	return mends(
		nginx, "location / { proxy_pass http://127.0.0.1:8080; }  # at the root, without a path",
		caddy, "reverse_proxy 127.0.0.1:8080  # not inside handle_path",
		haproxy, "default_backend gatehouse",
	)
}

func mendUpgrade() []Mend {
	return mends(
		nginx, "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $http_connection;",
		caddy, "reverse_proxy 127.0.0.1:8080  # without header_up for Upgrade or Connection",
		haproxy, "mode http  # without option httpclose, and without del-header Upgrade or Connection",
	)
}

func mendOwnOrigin(origin string) []Mend {
	return mends(
		gatehouse, `gateway: { public_url: "`+origin+`", trusted_proxies: ["127.0.0.1", "::1"] }  // the proxy's addresses`,
		nginx, "proxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-Proto $scheme;",
		caddy, "reverse_proxy 127.0.0.1:8080  # without header_up Host",
		haproxy, "http-request set-header X-Forwarded-Proto https",
	)
}

func mendForeignOrigin(origin string) []Mend {
	return mends(gatehouse, `gateway: { allowed_origins: ["`+origin+`"] }`)
}

func mendOpenOrigins() []Mend {
	return mends(gatehouse, `gateway: { allowed_origins: [] }  // or the pages' origins, one by one, instead of "*"`)
}

func mendCookie() []Mend {
	return mends(
		nginx, "no proxy_hide_header Set-Cookie, proxy_cookie_path or proxy_set_header Cookie",
		caddy, "no header_up or header_down for Cookie or Set-Cookie",
		haproxy, "no del-header Cookie or Set-Cookie",
	)
}

func mendPairing() []Mend { return mends(gatehouse, "gateway: { pairing: true }") }

// mendCredential depends on what kind was given.
func mendCredential(token string) []Mend {
	switch {
	case strings.HasPrefix(token, "gh_"):
		return mends(you, "ask an admin for a new API key: /admin/keys shows which are revoked or expired")
	case strings.HasPrefix(token, "gd_"):
		return mends(you, "pair anew: connect without a credential, and let an admin approve the code on /admin")
	}
	return mends(you, "gatehouse token  # prints it; run it where the gateway is, as its user")
}

func mendCrowd() []Mend {
	return mends(
		gatehouse, `gateway: { max_connections: 20000, max_connections_per_address: 500 }  // its log names the limit: security.connection_refused`,
		gatehouse, `gateway: { trusted_proxies: ["127.0.0.1", "::1"] }  // behind a proxy, which is one address without that`,
		you, "see on /admin/clients who is connected",
	)
}

func mendCircle() []Mend {
	return mends(
		nginx, "proxy_pass https://127.0.0.1:8443;  # where tls.redirect_listen answers, nobody is served",
		caddy, "reverse_proxy https://127.0.0.1:8443",
		haproxy, "server gatehouse 127.0.0.1:8443 ssl verify none",
		you, "a CDN in front has to speak TLS to the machine behind it, not plain HTTP",
	)
}

func mendFrames() []Mend {
	return mends(
		nginx, "proxy_read_timeout 120s;",
		haproxy, "timeout tunnel 120s",
		you, "look for filters on the way that inspect WebSockets (antivirus, company proxies)",
	)
}
