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
	// pebbleWorker is a goroutine that Pebble never ends.
	pebbleWorker = "github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"
	// autocertCleanup is a goroutine with which autocert gives up authorizations that
	// were not used. It ends within a minute.
	autocertCleanup = "golang.org/x/crypto/acme/autocert.(*Manager).deactivatePendingAuthz"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(pebbleWorker),
		goleak.IgnoreAnyFunction(autocertCleanup))
}

const host = "chat.gatehouse.test"

// logBuffer keeps what is logged.
type logBuffer struct {
	// mu guards the following field.
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// authority is Pebble.
type authority struct {
	client    *http.Client
	directory string
	roots     *x509.CertPool
}

// newAuthority starts Pebble. It validates at the two ports of 127.0.0.1, whatever the
// name.
func newAuthority(t *testing.T, httpPort, tlsPort int) *authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "20")
	discard := log.New(io.Discard, "", 0)
	memory := db.NewMemoryStore()
	issuer := ca.New(discard, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {}})
	front := wfe.New(discard, memory, va.New(discard, httpPort, tlsPort, true,
		dnstest.Serve(t, nil), memory), issuer, nil, true, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	a := &authority{client: server.Client(), directory: server.URL + wfe.DirectoryPath,
		roots: x509.NewCertPool()}
	if !a.roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM()) {
		t.Fatal("Pebble has no root")
	}
	return a
}

// gateway is a TLS listener with an Authority's certificates, and a listener for plain
// HTTP with the Authority's challenges.
type gateway struct {
	*certs.Authority
	log        logBuffer
	tls, plain *httptest.Server
}

// newGateway opens the listeners; the authority needs to know their ports.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{tls: httptest.NewUnstartedServer(nil), plain: httptest.NewUnstartedServer(nil)}
	t.Cleanup(g.tls.Close)
	t.Cleanup(g.plain.Close)
	return g
}

func portOf(s *httptest.Server) int { return s.Listener.Addr().(*net.TCPAddr).Port }

// serve serves until the test ends, and watches the certificate until then or until stop
// is called.
func (g *gateway) serve(t *testing.T, a *authority, dir string) (stop func()) {
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

// awaitCertificate waits until clients get a certificate that they trust.
func (g *gateway) awaitCertificate(t *testing.T, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := tls.Dial("tcp", g.tls.Listener.Addr().String(),
			&tls.Config{RootCAs: roots, ServerName: host})
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

// TestAuthority gets a certificate by either challenge, and has it again after a restart.
func TestAuthority(t *testing.T) {
	for _, by := range []string{"tls-alpn-01", "http-01"} {
		t.Run(by, func(t *testing.T) {
			g := newGateway(t)
			const nobody = 1 // a port on which nobody listens
			httpPort, tlsPort := portOf(g.plain), nobody
			if by == "tls-alpn-01" {
				httpPort, tlsPort = nobody, portOf(g.tls)
			}
			pebble := newAuthority(t, httpPort, tlsPort)
			dir := filepath.Join(t.TempDir(), "acme")
			stop := g.serve(t, pebble, dir)
			got := g.awaitCertificate(t, pebble.roots)
			if got.VerifyHostname(host) != nil {
				t.Errorf("a certificate for %v", got.DNSNames)
			}
			stop()
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of keys: %v, %v", info, err)
			}

			again := newGateway(t)
			again.serve(t, &authority{client: pebble.client,
				directory: "https://127.0.0.1:1/nobody"}, dir)
			if kept := again.awaitCertificate(t, pebble.roots); !kept.Equal(got) {
				t.Error("after a restart there is another certificate")
			}
		})
	}
}
