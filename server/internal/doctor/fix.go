package doctor

import (
	"net"
	"strings"
)

// Where a fix belongs: into a program's configuration, or something to do.
const (
	gatehouse = "gatehouse"
	nginx     = "nginx"
	caddy     = "caddy"
	haproxy   = "haproxy"
	traefik   = "traefik"
	you       = "you"
)

// Lines that several fixes have.
const (
	nginxHost  = "proxy_set_header Host $http_host;"
	nginxProto = "proxy_set_header X-Forwarded-Proto $scheme;"
	// traefikTrust makes Traefik keep the headers of a proxy in front of Traefik.
	traefikTrust = `entryPoints: { websecure: { forwardedHeaders: { trustedIPs: ["10.0.0.0/8"] } } }` +
		`  # if another proxy stands in front of Traefik: that one's addresses`
)

// fixes returns fixes from pairs of where and line.
func fixes(pairs ...string) (all []Fix) {
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, Fix{Where: pairs[i], Line: pairs[i+1]})
	}
	return all
}

func fixName(host string) []Fix {
	return fixes(you, "add an A or AAAA record for "+host+" where its domain is kept")
}

// fixNobody is for a port at which nobody listens: usually the gateway, or the proxy in
// front, does not run.
func fixNobody(host, port string) []Fix {
	start := fixes(you, "start the gateway: gatehouse serve, or systemctl start gatehouse; "+
		"gatehouse health, on its machine, says whether it runs, and its log why not")
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return append(start, fixes(gatehouse, `gateway: { listen: "127.0.0.1:`+port+`" }`+
			`  // if it runs, but with another port`)...)
	}
	return append(start, fixPort(port)...)
}

func fixPort(port string) []Fix {
	return fixes(
		gatehouse, `gateway: { listen: ":`+port+`" }`+
			`  // 127.0.0.1 accepts only connections from its own machine`,
		nginx, "listen "+port+";",
		caddy, ":"+port+" {",
		haproxy, "bind :"+port,
		traefik, `entryPoints: { websecure: { address: ":`+port+`" } }`,
		you, "let port "+port+" through firewalls; with docker: -p "+port+":8080",
	)
}

// fixCertificate says how to get a certificate for a host: from a public authority,
// or from a file if no public authority can check the host.
func fixCertificate(host string) []Fix {
	if private(host) {
		return fixes(
			gatehouse, `tls: { cert_file: "cert.pem", key_file: "key.pem" }`+
				`  // for `+host+`; no public authority certifies that`,
			nginx, "ssl_certificate /etc/ssl/cert.pem;",
			caddy, "tls internal",
			haproxy, "bind :443 ssl crt /etc/haproxy/cert.pem",
			traefik, `tls: { certificates: [{ certFile: "cert.pem", keyFile: "key.pem" }] }`,
		)
	}
	return fixes(
		gatehouse, `tls: { acme_hosts: ["`+host+`"], redirect_listen: ":80" }`+
			`  // or tls.cert_file and tls.key_file`,
		nginx, "ssl_certificate /etc/ssl/"+host+".pem;  # the whole chain, "+
			"the leaf certificate first",
		caddy, host+" {  # it gets a certificate by itself",
		haproxy, "bind :443 ssl crt /etc/haproxy/"+host+".pem",
		traefik, "tls: { certResolver: letsencrypt }  # of the router for "+host,
	)
}

// private reports whether a host is an IP address, or a name without a domain.
func private(host string) bool { return net.ParseIP(host) != nil || !strings.Contains(host, ".") }

func fixUnknownAuthority(host string) []Fix {
	return append(fixCertificate(host), Fix{you, "for an authority of your own: " +
		"SSL_CERT_FILE=ca.pem gatehouse doctor …, and install ca.pem in the browsers"})
}

// fixNoTLS is for a server without TLS. without is its URL for plain HTTP.
func fixNoTLS(host, without string) []Fix {
	return append(fixes(you, "use "+without+" if you do not want TLS"), fixCertificate(host)...)
}

// fixPath is for a gateway that is at the root of the host, and was looked for under a path.
func fixPath(origin, path string) []Fix {
	return fixes(you, "gatehouse doctor "+origin,
		gatehouse, `gateway: { public_url: "`+origin+path+`" }  // if it should be under `+path)
}

func fixClock() []Fix {
	return fixes(you, "timedatectl set-ntp true  # on the machine whose clock is wrong")
}

func fixUpstream() []Fix {
	return fixes(
		gatehouse, `gateway: { listen: "127.0.0.1:8080" }`+
			`  // and check that it runs: gatehouse health`,
		nginx, "proxy_pass http://127.0.0.1:8080;",
		caddy, "reverse_proxy 127.0.0.1:8080",
		haproxy, "server gatehouse 127.0.0.1:8080",
		traefik, `loadBalancer: { servers: [{ url: "http://127.0.0.1:8080" }] }`,
	)
}

// fixRoute says how a proxy passes on what is under a path of a host, "" for the whole host.
func fixRoute(host, path string) []Fix {
	if path != "" {
		return fixes(
			nginx, "location "+path+"/ { proxy_pass http://127.0.0.1:8080; }",
			caddy, "@gatehouse path "+path+" "+path+"/*\nreverse_proxy @gatehouse 127.0.0.1:8080",
			haproxy, "use_backend gatehouse if { path "+path+" } or { path_beg "+path+"/ }",
			traefik, "rule: Host(`"+host+"`) && PathPrefix(`"+path+"`)",
		)
	}
	return fixes(
		nginx, "location / { proxy_pass http://127.0.0.1:8080; }  # at the root, without a path",
		caddy, "reverse_proxy 127.0.0.1:8080  # not inside handle_path",
		haproxy, "default_backend gatehouse",
		traefik, "rule: Host(`"+host+"`)  # without PathPrefix and stripPrefix",
	)
}

// fixUpgrade names the lines that a proxy lacks. refusal is what the gateway answered: if
// that names lines for nginx, those are the ones.
func fixUpgrade(refusal string) []Fix {
	var missing []string
	lines := []string{"proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;",
		"proxy_set_header Connection $http_connection;"}
	for _, line := range lines {
		if strings.Contains(refusal, line) {
			missing = append(missing, line)
		}
	}
	if missing == nil {
		missing = lines
	}
	return fixes(
		nginx, strings.Join(missing, "\n"),
		caddy, "reverse_proxy 127.0.0.1:8080  # without header_up for Upgrade or Connection",
		haproxy, "mode http  # without option httpclose, "+
			"and without del-header Upgrade or Connection",
		traefik, "no customRequestHeaders for Upgrade or Connection",
	)
}

// fixHostHeader is for a proxy that does not pass on the host, or leaves out its port.
func fixHostHeader() []Fix {
	return fixes(
		nginx, nginxHost,
		caddy, "reverse_proxy 127.0.0.1:8080  # without header_up Host",
		haproxy, "no http-request set-header Host",
		traefik, "loadBalancer: { passHostHeader: true }",
	)
}

// fixScheme is for a proxy that does not say, or is not believed, that browsers use TLS.
func fixScheme(origin string) []Fix {
	return fixes(
		nginx, nginxProto,
		haproxy, "http-request set-header X-Forwarded-Proto https",
		traefik, traefikTrust,
		gatehouse, `gateway: { public_url: "`+origin+`", trusted_proxies: ["127.0.0.1", "::1"] }`+
			`  // the proxy's addresses`,
	)
}

// fixHost is for a name that the gateway does not know as its own.
func fixHost(origin, host string) []Fix {
	return fixes(
		gatehouse, `gateway: { public_url: "`+origin+`" }`,
		gatehouse, `gateway: { hosts: ["`+host+`"] }  // if public_url has to be another one`,
	)
}

func fixForeignOrigin(origin string) []Fix {
	return fixes(gatehouse, `gateway: { allowed_origins: ["`+origin+`"] }`)
}

func fixOpenOrigins() []Fix {
	return fixes(gatehouse, `gateway: { allowed_origins: [] }`+
		`  // or a list of the pages' origins, instead of "*"`)
}

func fixCookie() []Fix {
	return fixes(
		nginx, "no proxy_hide_header Set-Cookie, proxy_cookie_path or proxy_set_header Cookie",
		caddy, "no header_up or header_down for Cookie or Set-Cookie",
		haproxy, "no del-header Cookie or Set-Cookie",
		traefik, "no customRequestHeaders or customResponseHeaders for Cookie or Set-Cookie",
	)
}

func fixPairing() []Fix { return fixes(gatehouse, "gateway: { pairing: true }") }

// fixCredential says how to get a new credential of the same kind.
func fixCredential(token string) []Fix {
	switch {
	case strings.HasPrefix(token, "gh_"):
		return fixes(you, "ask an admin for a new API key: "+
			"/admin/keys shows which are revoked or expired")
	case strings.HasPrefix(token, "gd_"):
		return fixes(you, "pair anew: connect without a credential, "+
			"and let an admin approve the code on /admin")
	}
	return fixes(you, "gatehouse token  # prints the token; "+
		"run it on the gateway's machine, as its user")
}

func fixFull() []Fix {
	return fixes(
		gatehouse, `gateway: { max_connections: 20000, max_connections_per_address: 500 }`+
			`  // its log names the limit: security.connection_refused`,
		gatehouse, `gateway: { trusted_proxies: ["127.0.0.1", "::1"], `+
			`public_url: "https://chat.example.com" }  // otherwise all users behind the proxy count as one address`,
		you, "see on /admin/clients who is connected",
	)
}

func fixRedirectLoop() []Fix {
	return fixes(
		nginx, "proxy_pass https://127.0.0.1:8443; "+
			" # not the port of tls.redirect_listen, which only redirects",
		caddy, "reverse_proxy https://127.0.0.1:8443",
		haproxy, "server gatehouse 127.0.0.1:8443 ssl verify none",
		traefik, `loadBalancer: { servers: [{ url: "https://127.0.0.1:8443" }] }`,
		you, "let a CDN connect to the gateway by TLS, not by plain HTTP",
	)
}

func fixFrames() []Fix {
	return fixes(
		nginx, "proxy_read_timeout 120s;",
		haproxy, "timeout tunnel 120s",
		you, "look for programs in between that inspect WebSockets (antivirus, company proxies)",
	)
}
