package app_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/conformance"
	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestTLS uses pages, cookies and the protocol over TLS with certificate files, and
// the redirect from HTTP.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := settings(t, dir)
	c.TLS.CertFile, c.TLS.KeyFile = certstest.Write(t, dir, "localhost", 1)
	c.TLS.RedirectListen, c.TLS.HSTS = "127.0.0.1:0", time.Hour
	g := start(t, c)
	if !strings.HasPrefix(g.url, "https://localhost:") {
		t.Fatalf("the welcome text gives the address %s", g.url)
	}
	text, err := os.ReadFile(c.TLS.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{RootCAs: x509.NewCertPool()}
	trust.RootCAs.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()

	page := fetch(t, client, http.MethodGet, g.url+"/", "")
	if page.StatusCode != http.StatusOK || page.ProtoMajor != 2 ||
		page.Header.Get("Strict-Transport-Security") != "max-age=3600" {
		t.Errorf("the page: %s over %s, HSTS %q", page.Status, page.Proto,
			page.Header.Get("Strict-Transport-Security"))
	}
	// A browser opens WebSockets over HTTP/1.1; who asks over HTTP/2 is told.
	if asked := fetch(t, client, http.MethodGet, g.url+"/ws", ""); asked.ProtoMajor != 2 ||
		asked.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("/ws over HTTP/2: %s over %s", asked.Status, asked.Proto)
	}
	over(t, g, trust.Clone()).OK(protocol.MethodHealth, "")
	signIn := fetch(t, client, http.MethodPost, g.url+"/api/session", "{}")
	cookies := signIn.Cookies()
	if len(cookies) != 1 || !strings.HasPrefix(cookies[0].Name, "__Host-gatehouse_") ||
		!cookies[0].Secure || cookies[0].Path != "/" ||
		cookies[0].Domain != "" || !cookies[0].HttpOnly ||
		cookies[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie: %v", cookies)
	}

	plain := regexp.MustCompile(`redirect=(\S+)`).FindStringSubmatch(g.log.String())
	if plain == nil {
		t.Fatalf("no redirect in the log:\n%s", g.log)
	}
	back := fetch(t, client, http.MethodGet, "http://"+strings.Replace(plain[1], "127.0.0.1",
		"localhost", 1)+"/s/x?y=1", "")
	if back.StatusCode != http.StatusOK || back.Request.URL.String() != g.url+"/s/x?y=1" {
		t.Errorf("plain HTTP leads to %s: %s", back.Request.URL, back.Status)
	}

	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+plain[1]+"/s/x",
		nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Host = "evil.example"
	answer, err := client.Transport.RoundTrip(foreign)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusMisdirectedRequest || answer.Header.Get("Location") != "" {
		t.Errorf("a foreign host leads to %q: %s", answer.Header.Get("Location"), answer.Status)
	}

	target := conformance.Target{URL: g.url, Token: g.token,
		Dial: overTLS(&tls.Config{RootCAs: trust.RootCAs})}
	for _, row := range conformance.Rows() {
		if row.Section == "Transport" && row.Wait == 0 {
			var lack conformance.NotApplicable
			if err := row.Check(t.Context(), target); err != nil && !errors.As(err, &lack) {
				t.Errorf("%s, over TLS: %v", row.Says, err)
			}
		}
	}
	g.end()
}

func overTLS(c *tls.Config) rawws.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&tls.Dialer{Config: c}).DialContext(ctx, network, address)
	}
}

// fetch makes a request as a page of the gateway does, and reads the answer.
func fetch(t *testing.T, c *http.Client, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Error(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	return answer
}

// TestRedirectHasBounds opens connections to the redirect's listener: they count with
// those to the gateway's own.
func TestRedirectHasBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := settings(t, dir)
	c.TLS.CertFile, c.TLS.KeyFile = certstest.Write(t, dir, "localhost", 1)
	c.TLS.RedirectListen = "127.0.0.1:0"
	c.Gateway.Limits.ConnectionsPerAddress = 5
	g := start(t, c)
	plain := regexp.MustCompile(`redirect=(\S+)`).FindStringSubmatch(g.log.String())[1]
	own := strings.TrimPrefix(g.url, "https://")
	for _, address := range []string{plain, plain, plain, own, own, plain} {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		// They are counted one after the other: those that stay have nothing to say.
		if err := nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(nc); len(answer) > 0 {
			if !strings.HasPrefix(string(answer), "HTTP/1.1 429 ") || address != plain {
				t.Errorf("%s", answer)
			}
			g.end()
			return
		}
	}
	t.Error("the sixth was not refused")
	g.end()
}

// TestTLSRefuses checks that a gateway does not start if its TLS settings do not work.
func TestTLSRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	c := settings(t, dir)
	c.TLS.CertFile, c.TLS.KeyFile = certstest.Write(t, dir, "localhost", 1)
	c.TLS.RedirectListen = taken.Addr().String()
	if err := tryToRun(t, c); err == nil || !strings.Contains(err.Error(), "tls.redirect_listen") {
		t.Errorf("with a redirect at an address that is taken: %v", err)
	}
	c.TLS.KeyFile = c.TLS.CertFile
	if err := tryToRun(t, c); err == nil || !strings.Contains(err.Error(), "tls.cert_file") {
		t.Errorf("with no key: %v", err)
	}
}

// tryToRun runs a gateway that must fail to start, and gives its error.
func tryToRun(t *testing.T, c config.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	return app.Run(ctx, app.Options{Config: c, Version: "test", Log: slog.New(slog.DiscardHandler)})
}
