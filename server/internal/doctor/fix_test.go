package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// TestFixes holds that what is to be written into Gatehouse's configuration is
// every fix says where it belongs.
func TestFixes(t *testing.T) {
	t.Parallel()
	const origin = "https://chat.example.com"
	for name, fixes := range map[string][]Fix{
		"name": fixName("chat.example.com"), "port": fixPort("443"), "certificate": fixCertificate("chat.example.com"),
		"certificate of an address": fixCertificate("192.0.2.1"), "certificate of localhost": fixCertificate("localhost"),
		"authority": fixUnknownAuthority("chat.example.com"), "plain text": fixNoTLS("chat.example.com", "http://chat.example.com:8443"), "path": fixPath("https://example.com", "/chat"), "clock": fixClock(),
		"upstream": fixUpstream(), "route": fixRoute("chat.example.com", ""), "route of a path": fixRoute("chat.example.com", "/chat"), "upgrade": fixUpgrade(""), "one line": fixUpgrade("… proxy_http_version 1.1; …"), "host header": fixHostHeader(),
		"scheme": fixScheme(origin), "host": fixHost(origin, "chat.example.com"), "nobody": fixNobody("chat.example.com", "443"),
		"nobody here":    fixNobody("127.0.0.1", "8080"),
		"foreign origin": fixForeignOrigin(origin), "open origins": fixOpenOrigins(), "cookie": fixCookie(), "pairing": fixPairing(),
		"token": fixCredential("t"), "key": fixCredential("gh_x"), "device": fixCredential("gd_x"), "full": fixFull(), "redirect loop": fixRedirectLoop(),
		"frames": fixFrames(),
	} {
		// What mends an nginx is said for Traefik, too.
		has := func(where string) bool {
			return slices.ContainsFunc(fixes, func(m Fix) bool { return m.Where == where })
		}
		if has(nginx) && !has(traefik) && name != "frames" {
			t.Errorf("%s: nothing for Traefik", name)
		}
		if len(fixes) == 0 {
			t.Errorf("%s: no fix", name)
		}
		for _, m := range fixes {
			if !slices.Contains([]string{gatehouse, nginx, caddy, haproxy, traefik, you}, m.Where) || m.Line == "" {
				t.Errorf("%s: %+v", name, m)
			}
			if m.Where == gatehouse {
				checkConfig(t, name, m.Line)
			}
		}
	}
}

// checkConfig fails unless a configuration that consists of the line is valid.
func checkConfig(t *testing.T, name, line string) {
	t.Helper()
	pair, _ := certificate(t, "localhost", time.Now().AddDate(0, 0, 60))
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range map[string][]byte{
		"config.json5": []byte("{ " + line + "\n}"),
		"cert.pem":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		"key.pem":      pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, warnings, err := config.Load(config.Source{Dir: dir, Env: []string{"HOME=" + dir}}); err != nil || len(warnings) > 0 {
		t.Errorf("%s: %s: %v %v", name, strings.TrimSpace(line), err, warnings)
	}
}
