package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs"
	"github.com/gatehouse-chat/gatehouse/server/internal/dnstest"
)

const (
	// pebbleWorker is a goroutine of Pebble that nothing ends.
	pebbleWorker = "github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"
	// tidying is autocert's goroutine that gives up authorizations which were not
	// used; it ends by itself, within a minute.
	tidying = "golang.org/x/crypto/acme/autocert.(*Manager).deactivatePendingAuthz"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(pebbleWorker), goleak.IgnoreAnyFunction(tidying))
}

const host = "chat.gatehouse.test"

// logged keeps what is logged.
type logged struct {
	// mu guards the following field.
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// authority is Pebble, the small sister of what runs Let's Encrypt.
type authority struct {
	client    *http.Client
	directory string
	roots     *x509.CertPool
}

// newAuthority starts Pebble; it asks at the two ports, at 127.0.0.1 whatever the name.
func newAuthority(t *testing.T, httpPort, tlsPort int) *authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "20")
	said := log.New(io.Discard, "", 0)
	memory := db.NewMemoryStore()
	issuer := ca.New(said, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {}})
	front := wfe.New(said, memory, va.New(said, httpPort, tlsPort, true, dnstest.Serve(t, nil), memory), issuer, nil, true, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	a := &authority{client: server.Client(), directory: server.URL + wfe.DirectoryPath, roots: x509.NewCertPool()}
	if !a.roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM()) {
		t.Fatal("Pebble has no root")
	}
	return a
}

// gate is a TLS listener with an Authority's certificates and, in plain text,
// its challenges.
type gate struct {
	*certs.Authority
	log        logged
	tls, plain *httptest.Server
}

// newGate opens the listeners, whose ports are what the authority is told.
func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{tls: httptest.NewUnstartedServer(nil), plain: httptest.NewUnstartedServer(nil)}
	t.Cleanup(g.tls.Close)
	t.Cleanup(g.plain.Close)
	return g
}

func portOf(s *httptest.Server) int { return s.Listener.Addr().(*net.TCPAddr).Port }

// begin serves until the test ends, and watches until then or until stop is called.
func (g *gate) begin(t *testing.T, a *authority, dir string) (stop func()) {
	t.Helper()
	g.Authority = certs.NewAuthority(certs.AuthorityOptions{
		Hosts: []string{host}, Email: "admin@gatehouse.test", Directory: a.directory, CacheDir: dir, Log: g.log.logger(), Client: a.client,
	})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "a page") })
	g.plain.Config.Handler = g.Challenges(page)
	g.plain.Start()
	g.tls.Config.Handler = page
	g.tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.tls.TLS = certs.Config(g.Certificate)
	g.tls.StartTLS()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); g.Watch(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// certificate waits until clients get a certificate that they believe.
func (g *gate) certificate(t *testing.T, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := tls.Dial("tcp", g.tls.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: host})
		if err == nil {
			defer c.Close()
			return c.ConnectionState().PeerCertificates[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, g.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestAuthority gets certificates by either challenge, and keeps them.
func TestAuthority(t *testing.T) {
	for _, by := range []string{"tls-alpn-01", "http-01"} {
		t.Run(by, func(t *testing.T) {
			g := newGate(t)
			const nobody = 1 // no port that somebody listens on
			httpPort, tlsPort := portOf(g.plain), nobody
			if by == "tls-alpn-01" {
				httpPort, tlsPort = nobody, portOf(g.tls)
			}
			pebble := newAuthority(t, httpPort, tlsPort)
			dir := filepath.Join(t.TempDir(), "acme")
			stop := g.begin(t, pebble, dir)
			got := g.certificate(t, pebble.roots)
			if got.VerifyHostname(host) != nil {
				t.Errorf("a certificate for %v", got.DNSNames)
			}
			stop()
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of keys: %v, %v", info, err)
			}

			again := newGate(t)
			again.begin(t, &authority{client: pebble.client, directory: "https://127.0.0.1:1/nobody"}, dir)
			if kept := again.certificate(t, pebble.roots); !kept.Equal(got) {
				t.Error("after a restart there is another certificate")
			}
		})
	}
}
