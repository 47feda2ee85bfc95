package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestTLSReload replaces the certificate's files. A reload takes a new pair, and
// refuses a broken one while the old pair stays in use.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := certstest.Write(t, dir, "localhost", 1)
	tlsPart := fmt.Sprintf(`tls: {cert_file: %q, key_file: %q}`, cert, key)
	c := startConfigured(t, "{"+tlsPart+"}")
	serial := func() int64 {
		t.Helper()
		s, err := tls.Dial("tcp", strings.TrimPrefix(c.url, "https://"), trusting(t, cert))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	admin := over(t, c.running, trusting(t, cert))

	certstest.Write(t, dir, "localhost", 2)
	c.signals <- syscall.SIGHUP
	c.signals <- syscall.SIGHUP // taken once the first is done with
	if n := serial(); n != 2 {
		t.Errorf("after a signal the certificate is number %d, want 2", n)
	}
	other := t.TempDir()
	certstest.Write(t, other, "localhost", 3)
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, "key.pem"), key); err != nil {
		t.Fatal(err)
	}
	c.write(t, `{gateway: {allowed_origins: ["https://a.example"]}, `+tlsPart+"}")
	e := admin.Refused(protocol.FailedPrecondition, "nothing was changed", protocol.MethodConfigReload,
		"")
	if !strings.Contains(e.Message, "tls.cert_file") ||
		!strings.Contains(c.log.String(), "tls.cert_file") || strings.Contains(e.Message, "PRIVATE") {
		t.Errorf("with a key that does not fit, the answer is %q", e.Message)
	}
	if n := serial(); n != 2 {
		t.Errorf("beside a key that does not fit the certificate is number %d, want 2", n)
	}
	var status protocol.StatusResult
	admin.Read(admin.OK(protocol.MethodStatus, ""), &status)
	for _, s := range status.Detail.Settings {
		if s.Key == "gateway.allowed_origins" && s.Value != "[]" {
			t.Errorf("part of a refused configuration holds: %+v", s)
		}
	}
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := reload(admin); len(r.Applied) != 1 || serial() != 2 {
		t.Errorf("mended, it applies %+v with certificate %d", r, serial())
	}
	admin.OK(protocol.MethodStatus, "") // over the connection of the first certificate
}

// trusting trusts the certificate in a file.
func trusting(t *testing.T, cert string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	trust.RootCAs.AppendCertsFromPEM(text)
	return trust
}

// over connects an admin over TLS. As browsers do, it offers HTTP/1.1 alone.
func over(t *testing.T, r *running, trust *tls.Config) *httpdtest.Client {
	t.Helper()
	way := &http.Transport{TLSClientConfig: trust}
	ws, _, err := websocket.Dial(t.Context(), r.url+"/ws",
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: way}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow(); way.CloseIdleConnections() })
	c := httpdtest.NewClient(t, ws)
	c.OK(protocol.MethodConnect, `{"token":"`+r.token+`","user_id":"user"}`)
	return c
}
