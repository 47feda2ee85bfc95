package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/dnstest"
)

// pebbleWorker is a goroutine of Pebble's that nothing ends.
const pebbleWorker = "github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"

const host = "chat.gatehouse.test"

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
	*Authority
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
	g.Authority = NewAuthority(AuthorityOptions{
		Hosts: []string{host}, Email: "admin@gatehouse.test", Directory: a.directory, CacheDir: dir, Log: g.log.logger(), Client: a.client,
	})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "a page") })
	g.plain.Config.Handler = g.Challenges(page)
	g.plain.Start()
	g.tls.Config.Handler = page
	g.tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.tls.TLS = Config(g.Certificate)
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

// refusing is a way to an authority that is out of reach, or that answers with
// something else than is asked for; it counts.
type refusing struct {
	asked atomic.Int32
	with  string
}

func (r *refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	r.asked.Add(1)
	if r.with == "" {
		return nil, net.ErrClosed
	}
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(r.with)), Request: q}, nil
}

// TestAuthorityOutOfReach holds that it is not asked more often than authorities
// take, and that Reload brings the next try forward.
func TestAuthorityOutOfReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, way := &logged{}, &refusing{}
		a := NewAuthority(AuthorityOptions{
			Hosts: []string{host}, Directory: "https://authority.test/", CacheDir: t.TempDir(), Log: log.logger(), Client: &http.Client{Transport: way},
		})
		ctx, stop := context.WithCancel(t.Context())
		go a.Watch(ctx)
		asked := func(after time.Duration, times int32) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if n := way.asked.Load(); n != times || strings.Count(log.String(), "no TLS certificate") != int(times) {
				t.Errorf("asked %d times, want %d:\n%s", n, times, log.String())
			}
		}
		asked(0, 1)
		asked(4*time.Minute, 1)
		asked(time.Minute+time.Second, 2)
		asked(30*time.Minute, 3)
		if _, err := a.Certificate(helloTo(host)); err == nil || way.asked.Load() != 3 {
			t.Errorf("a handshake: %v; asked %d times", err, way.asked.Load())
		}
		if err := a.Reload(); err != nil {
			t.Error(err)
		}
		asked(forgetting, 4)
		asked(59*time.Minute, 4)
		asked(time.Minute, 5)
		stop()
		synctest.Wait()
	})
}

// TestRenewalThatFails keeps the certificate in use to its end and beyond, and says
// why there is no other.
func TestRenewalThatFails(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ way, says string }{
		"out of reach": {"", "use of closed network connection"},
		"it refuses":   {`{"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids it"}`, "caa: CAA forbids it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log, dir := &logged{}, t.TempDir()
				cert, key := certstest.Issue(t, host, time.Now(), time.Now().Add(6*day))
				if err := os.WriteFile(filepath.Join(dir, host), []byte(sec1(t, key)+cert), 0o600); err != nil {
					t.Fatal(err)
				}
				a := NewAuthority(AuthorityOptions{
					Hosts: []string{host}, Directory: "https://authority.test/", CacheDir: dir, Log: log.logger(),
					Client: &http.Client{Transport: &refusing{with: row.way}},
				})
				ctx, stop := context.WithCancel(t.Context())
				go a.Watch(ctx)
				for after, times := range []int{0, 0, 0, 0, 0, 1, 2, 3} { // a sixth of its life is a day
					if n := strings.Count(log.String(), "ends soon and was not renewed"); n != times {
						t.Errorf("after %d days it was said %d times, want %d:\n%s", after, n, times, log.String())
					}
					if c, err := a.Certificate(helloTo(host)); after > 0 && (err != nil || c.Leaf.VerifyHostname(host) != nil) {
						t.Errorf("after %d days: %v", after, err)
					}
					time.Sleep(day + time.Minute)
					synctest.Wait()
				}
				if !strings.Contains(log.String(), row.says) {
					t.Errorf("it does not say why: %s", log.String())
				}
				stop()
				synctest.Wait()
			})
		})
	}
}

// sec1 is a key as the library keeps it.
func sec1(t *testing.T, pkcs8 string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(pkcs8))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func TestProblemIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "", `{}`: "", `[]`: "", `{"status":"valid"}`: "",
		`{"type":"urn:ietf:params:acme:error:badNonce","detail":"used up"}`:                                                  "",
		`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}`:                                              "rateLimited: too many",
		`{"status":"invalid","error":{"type":"urn:ietf:params:acme:error:unauthorized","detail":"no"}}`:                      "unauthorized: no",
		`{"challenges":[{"status":"pending"},{"error":{"type":"urn:ietf:params:acme:error:connection","detail":"no way"}}]}`: "connection: no way",
	} {
		if got := problemIn([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestAuthorityRefusesOtherHosts(t *testing.T) {
	t.Parallel()
	a := NewAuthority(AuthorityOptions{Hosts: []string{host}, CacheDir: t.TempDir(), Log: new(logged).logger()})
	for _, name := range []string{"", "other.test", "x." + host, "127.0.0.1", host} {
		if c, err := a.Certificate(helloTo(name)); c != nil || err == nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if !a.Covers("Chat.Gatehouse.Test") || a.Covers("gatehouse.test") {
		t.Error("Covers is wrong")
	}
	answers := a.Challenges(http.NotFoundHandler())
	for _, h := range []string{"other.test", host, host + ":8080"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://"+h+"/.well-known/acme-challenge/../../x", nil)
		answers.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			t.Errorf("%s: %d %s", h, w.Code, w.Body)
		}
	}
}
