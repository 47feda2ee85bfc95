package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	// renewalCheck is the interval between checks whether a certificate was renewed.
	// The library renews a certificate when a third of its lifetime is left, 30 days at
	// most.
	renewalCheck = 10 * time.Minute
	// answerTimeout bounds a single answer of the authority.
	answerTimeout = time.Minute
)

// retryDelay returns the pause after so many failures in a row. Authorities limit
// failures: Let's Encrypt allows five per hour and name, and one try can fail twice.
func retryDelay(failures int) time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour}[min(failures, 3)-1]
}

// AuthorityOptions are what an Authority needs.
type AuthorityOptions struct {
	Hosts     []string // to get certificates for; lower case
	Email     string   // where the authority sends warnings; may be empty
	Directory string   // the directory URL of the authority
	CacheDir  string   // where keys and certificates are kept, readable by this user only
	Log       *slog.Logger
	Client    *http.Client // for requests to the authority; nil: the default transport
}

// Authority gets certificates by ACME and renews them. Its methods are safe for
// concurrent use. Only Watch sends requests to the authority: TLS handshakes never
// wait for it.
type Authority struct {
	AuthorityOptions
	acme     *acme.Client             // the managers' client; set by Watch
	retryNow map[string]chan struct{} // by host: Reload's signals to maintain

	// mu guards the following fields.
	mu           sync.RWMutex
	managers     map[string]*autocert.Manager // by host; see retry
	certificates map[string]*tls.Certificate  // the active one, by host
	problem      string                       // the last problem with a request
}

// NewAuthority returns an Authority that has no certificates until Watch runs. It
// accepts the authority's terms of service.
func NewAuthority(o AuthorityOptions) *Authority {
	a := &Authority{
		AuthorityOptions: o,
		acme:             &acme.Client{DirectoryURL: o.Directory, UserAgent: "gatehouse"},
		managers:         map[string]*autocert.Manager{},
		certificates:     map[string]*tls.Certificate{},
		retryNow:         map[string]chan struct{}{},
	}
	shared := a.newManager()
	for _, host := range o.Hosts {
		a.managers[host] = shared
		a.retryNow[host] = make(chan struct{}, 1)
	}
	return a
}

// newManager returns a manager of the library. All of them share the directory of keys,
// certificates and challenges.
func (a *Authority) newManager() *autocert.Manager {
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(a.CacheDir), Email: a.Email,
		Client: a.acme,
		HostPolicy: func(_ context.Context, host string) error {
			if a.Covers(withoutPort(host)) {
				return nil
			}
			return fmt.Errorf("%q is not in tls.acme_hosts", host)
		},
	}
	m.HTTPHandler(nil) // without it, the manager refuses challenges over HTTP
	return m
}

// managerOf returns the manager of a host that Covers.
func (a *Authority) managerOf(host string) *autocert.Manager {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.managers[host]
}

// retry makes the next try for a host ask the authority. A manager repeats a failure for a
// minute without asking, so the host gets a new one.
func (a *Authority) retry(host string) {
	m := a.newManager()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.managers[host] = m
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// Covers reports whether host is one of Hosts.
func (a *Authority) Covers(host string) bool {
	return slices.Contains(a.Hosts, strings.ToLower(host))
}

// Challenges answers the authority's challenges over plain HTTP (RFC 8555 §8.3) and
// passes all other requests to next.
func (a *Authority) Challenges(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(withoutPort(r.Host))
		if !a.Covers(host) {
			next.ServeHTTP(w, r)
			return
		}
		a.managerOf(host).HTTPHandler(next).ServeHTTP(w, r)
	})
}

// Certificate returns the active certificate for the host that the client names. It
// is for tls.Config.GetCertificate and does not block.
func (a *Authority) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !a.Covers(host) {
		return nil, fmt.Errorf("%q is not in tls.acme_hosts", host)
	}
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return a.managerOf(host).GetCertificate(hello) // the authority's challenge by TLS-ALPN
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if c := a.certificates[host]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("there is no certificate for %q yet", host)
}

// Reload retries at once for every host whose last try has failed, instead of after the
// usual pause. The error is always nil.
func (a *Authority) Reload() error {
	for _, signal := range a.retryNow {
		select {
		case signal <- struct{}{}:
		default: // a signal is pending already
		}
	}
	return nil
}

// Watch gets the certificates and renews them until ctx ends. The listener that uses
// Certificate must be open by then, since the authority connects to it. Call Watch
// once.
func (a *Authority) Watch(ctx context.Context) {
	a.acme.HTTPClient = a.client(ctx) // no request was made yet
	var hosts sync.WaitGroup
	for _, host := range a.Hosts {
		hosts.Go(func() { a.maintain(ctx, host) })
	}
	hosts.Wait()
}

// maintain gets and renews the certificate of one host until ctx ends.
func (a *Authority) maintain(ctx context.Context, host string) {
	var reminder expiryReminder
	failures := 0
	for ctx.Err() == nil {
		pause := renewalCheck
		c, err := a.managerOf(host).GetCertificate(helloTo(host))
		switch {
		case err == nil:
			failures = 0
			a.activate(host, c)
			reminder.warnIfDue(a.Log, c.Leaf, "problem", a.lastProblem())
		case ctx.Err() == nil:
			failures++
			pause = retryDelay(failures)
			a.Log.Warn("no TLS certificate from the authority",
				"host", host, "problem", err, "next_try", pause,
				"needed", "the name must resolve to this machine, and port 443 of it, "+
					"or port 80 with tls.redirect_listen, must be reachable from the Internet")
		}
		a.wait(ctx, host, pause, failures > 0)
	}
}

// wait waits for the time of the next try. After a failure, Reload ends the wait.
func (a *Authority) wait(ctx context.Context, host string, pause time.Duration, failed bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-a.retryNow[host]:
			if failed {
				a.retry(host)
				return
			}
		}
	}
}

// activate makes c the certificate of host. The library returns the same certificate
// until it is renewed.
func (a *Authority) activate(host string, c *tls.Certificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before := a.certificates[host]; before == nil || !before.Leaf.Equal(c.Leaf) {
		a.Log.Info("TLS certificate in use",
			"host", host, "authority", a.Directory, "ends", c.Leaf.NotAfter)
		a.problem = ""
	}
	a.certificates[host] = c
}

// helloTo returns a ClientHello that asks the library for an ECDSA certificate, which
// all of today's clients accept.
func helloTo(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:   host,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}
