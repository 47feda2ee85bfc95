package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// TestTLS signs an admin in over TLS: the page comes by HTTP/2, which has no
// upgrade, and its WebSocket opens all the same.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, "localhost")
	g := startGatehouse(t, fmt.Sprintf(`{ tls: { cert_file: %q, key_file: %q } }`, cert, key))
	b := newTab(t, browser(t, chromedp.Flag("ignore-certificate-errors", true)))
	b.run("open the link", chromedp.Navigate(g.SignInLink()))
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.wait("the admin is connected", link(markup.LinkConnected))
	if p := evaluate[string](b, `performance.getEntriesByType("navigation")[0].nextHopProtocol`); p != "h2" {
		t.Errorf("the page came by %s", p)
	}
	b.run("load it again", chromedp.Reload()) // with the __Host- cookie
	b.wait("the admin is connected again", link(markup.LinkConnected))
}

// certificate writes one that signs itself, and its key.
func certificate(t *testing.T, host string) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
