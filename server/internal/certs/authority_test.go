package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"io"
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

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
)

const host = "chat.gatehouse.test"

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
		asked(0, 4) // at once
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
						t.Errorf("after %d days the warning was logged %d times, want %d:\n%s", after, n, times, log.String())
					}
					if c, err := a.Certificate(helloTo(host)); after > 0 && (err != nil || c.Leaf.VerifyHostname(host) != nil) {
						t.Errorf("after %d days: %v", after, err)
					}
					time.Sleep(day + time.Minute)
					synctest.Wait()
				}
				if !strings.Contains(log.String(), row.says) {
					t.Errorf("the log does not say why: %s", log.String())
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
