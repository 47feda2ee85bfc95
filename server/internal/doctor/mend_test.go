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

// TestMends holds that what is to be written into Gatehouse's configuration is
// one that it takes, and that every way to mend is somebody's.
func TestMends(t *testing.T) {
	t.Parallel()
	const origin = "https://chat.example.com"
	for name, mends := range map[string][]Mend{
		"address": mendAddress(), "name": mendName("chat.example.com"), "port": mendPort("443"), "certificate": mendCertificate("chat.example.com"),
		"certificate of an address": mendCertificate("192.0.2.1"), "certificate at home": mendCertificate("localhost"),
		"authority": mendUnknownAuthority("chat.example.com"), "plain text": mendPlainText("chat.example.com"), "clock": mendClock(),
		"upstream": mendUpstream(), "route": mendRoute(), "upgrade": mendUpgrade(), "own origin": mendOwnOrigin(origin),
		"foreign origin": mendForeignOrigin(origin), "open origins": mendOpenOrigins(), "cookie": mendCookie(), "pairing": mendPairing(),
		"token": mendCredential("t"), "key": mendCredential("gh_x"), "device": mendCredential("gd_x"), "crowd": mendCrowd(), "circle": mendCircle(),
		"frames": mendFrames(),
	} {
		if len(mends) == 0 {
			t.Errorf("%s: no way to mend it", name)
		}
		for _, m := range mends {
			if !slices.Contains([]string{gatehouse, nginx, caddy, haproxy, you}, m.Where) || m.Line == "" {
				t.Errorf("%s: %+v", name, m)
			}
			if m.Where == gatehouse {
				checkConfig(t, name, m.Line)
			}
		}
	}
}

// checkConfig reads a line as all that there is in a configuration.
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
