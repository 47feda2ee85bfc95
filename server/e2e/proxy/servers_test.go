package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
)

// host is the host name in the manual's configurations.
const host = "chat.example.com"

// server is a proxy in front of a gateway.
type server struct {
	address string // where it listens for TLS
	roots   *x509.CertPool
}

// proxies are the manual's, and one that sends Forwarded. start takes the gateway's address, and what to change in the
// manual's configuration, as replaceOnce does.
var proxies = []struct {
	name  string
	start func(t testing.TB, gateway string, change ...string) server
	// withoutUpgrade changes the configuration so that the proxy does not pass upgrades on.
	withoutUpgrade []string
}{
	{"nginx", startNginx, []string{
		"        proxy_set_header Upgrade $http_upgrade;\n", "",
		"        proxy_set_header Connection $http_connection;\n", "",
	}},
	{"Caddy", startCaddy, []string{
		"    reverse_proxy GATEWAY\n", "    reverse_proxy GATEWAY {\n        header_up -Connection\n        header_up -Upgrade\n    }\n",
	}},
	{"HAProxy", startHAProxy, []string{
		"    option forwardfor\n", "    option forwardfor\n    http-request del-header Upgrade\n",
	}},
	{"Traefik", startTraefik, []string{"Connection", "Upgrade"}},
	{"HAProxy with Forwarded", startForwarded, []string{
		"    default_backend gatehouse\n", "    http-request del-header Upgrade\n    default_backend gatehouse\n",
	}},
}

// startForwarded starts HAProxy with the header Forwarded (RFC 7239) in place of
// X-Forwarded-*. From version 2.8 on, option forwarded sends that header.
func startForwarded(t testing.TB, gateway string, change ...string) server {
	t.Helper()
	return startHAProxy(t, gateway, append([]string{
		"    option forwardfor\n", `    http-request set-header Forwarded for=\"[::ffff:%[src]]:%[src_port]\";proto=https;host=\"%[req.hdr(host)]\"` + "\n",
		"    http-request set-header X-Forwarded-Proto https\n", "    http-request del-header X-Forwarded-For\n",
	}, change...)...)
}

// configure adapts the manual's configuration to a test: first the gateway's address,
// then the given changes.
func configure(t testing.TB, language, gateway string, change ...string) string {
	t.Helper()
	text := replaceOnce(t, manualBlock(t, language), "127.0.0.1:8080", "GATEWAY")
	return strings.Replace(replaceOnce(t, text, change...), "GATEWAY", gateway, 1)
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func startNginx(t testing.TB, gateway string, change ...string) server {
	t.Helper()
	path := rig.FindCommand(t, "nginx-light", "nginx", "/usr/sbin/nginx")
	dir, address := t.TempDir(), rig.FreeAddress(t)
	certificate, key, roots := newCertificate(t)
	site := configure(t, "nginx", gateway, append([]string{
		"listen 443 ssl", "listen " + address + " ssl",
		"/etc/ssl/chat.example.com.pem", write(t, dir, "site.pem", certificate),
		"/etc/ssl/chat.example.com.key", write(t, dir, "site.key", key),
	}, change...)...)
	config := write(t, dir, "nginx.conf", `
		daemon off;
		pid `+dir+`/nginx.pid;
		events {}
		http {
			access_log off;
			client_body_temp_path `+dir+`/body;
			proxy_temp_path `+dir+`/proxy;
			`+site+`
		}`)
	p := rig.Start(t, rig.Command{Path: path,
		Args: []string{"-p", dir, "-e", "stderr", "-c", config}})
	p.AwaitPort(address)
	return server{address, roots}
}

func startHAProxy(t testing.TB, gateway string, change ...string) server {
	t.Helper()
	path := rig.FindCommand(t, "haproxy", "haproxy", "/usr/sbin/haproxy")
	dir, address := t.TempDir(), rig.FreeAddress(t)
	certificate, key, roots := newCertificate(t)
	config := write(t, dir, "haproxy.cfg", configure(t, "haproxy", gateway, append([]string{
		"bind :443 ssl", "bind " + address + " ssl",
		"/etc/haproxy/chat.example.com.pem", write(t, dir, "site.pem", certificate+key),
	}, change...)...))
	p := rig.Start(t, rig.Command{Path: path, Args: []string{"-db", "-f", config}})
	p.AwaitPort(address)
	return server{address, roots}
}

// startCaddy configures an internal certificate authority in global options before the
// manual's configuration, since the test has no internet.
func startCaddy(t testing.TB, gateway string, change ...string) server {
	t.Helper()
	path := rig.FindCommand(t, "caddy", "caddy")
	dir, address, redirects := t.TempDir(), rig.FreeAddress(t), rig.FreeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	_, redirectPort, _ := net.SplitHostPort(redirects)
	config := write(t, dir, "Caddyfile", `{
		admin off
		default_bind 127.0.0.1
		http_port `+redirectPort+`
		https_port `+port+`
		local_certs
		skip_install_trust
	}
	`+configure(t, "caddy", gateway, change...))
	p := rig.Start(t, rig.Command{Path: path,
		Args: []string{"run", "--adapter", "caddyfile", "--config", config},
		Env:  []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}})
	roots := x509.NewCertPool()
	p.Await("certificate", func() bool {
		root, err := os.ReadFile(filepath.Join(dir, "caddy/pki/authorities/local/root.crt"))
		if err != nil || !roots.AppendCertsFromPEM(root) {
			return false
		}
		c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: host})
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
	return server{address, roots}
}

// newCertificate returns a certificate for host and its key, in PEM, and a pool that
// trusts the certificate.
func newCertificate(t testing.TB) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	certificate, key = certstest.Good(t, host)
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(certificate))
	return certificate, key, roots
}
