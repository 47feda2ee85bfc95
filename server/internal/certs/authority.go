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
	// refresh is how often it is looked whether a certificate was renewed, which
	// happens when a third of its life is left, 30 days at the most.
	refresh = 10 * time.Minute
	// forgetting is how long the library keeps a failure.
	forgetting = 65 * time.Second
	// answerTimeout bounds a single answer of the authority.
	answerTimeout = time.Minute
)

// retries are the pauses after the first failures and, the last one, after all
// others. Authorities count failures: Let's Encrypt takes five an hour of a
// name, and a try can be two of them.
func retries(failures int) time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour}[min(failures, 3)-1]
}

// AuthorityOptions say who certifies what.
type AuthorityOptions struct {
	Hosts     []string // lower case
	Email     string   // whom the authority writes to; may be empty
	Directory string   // URL of the authority
	// CacheDir holds keys and certificates, for this user's eyes only.
	CacheDir string
	Log      *slog.Logger
	// Client asks the authority; nil: one that trusts whom the system trusts.
	Client *http.Client
}

// Authority gets certificates by ACME and renews them. Its methods may be called
// at the same time. Only Watch asks the authority: no handshake waits for it.
type Authority struct {
	AuthorityOptions
	manager *autocert.Manager
	again   map[string]chan struct{} // by host, to try at once; never closed

	mu      sync.RWMutex
	ready   map[string]*tls.Certificate // by host
	problem string                      // what the authority, or the way to it, said last
}

// NewAuthority prepares for what Watch does. It agrees to the authority's terms.
func NewAuthority(o AuthorityOptions) *Authority {
	a := &Authority{AuthorityOptions: o, ready: map[string]*tls.Certificate{}, again: map[string]chan struct{}{}}
	for _, host := range o.Hosts {
		a.again[host] = make(chan struct{}, 1)
	}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.CacheDir), Email: o.Email,
		HostPolicy: func(_ context.Context, host string) error {
			if a.Covers(withoutPort(host)) {
				return nil
			}
			return fmt.Errorf("%q is not in tls.acme_hosts", host)
		},
	}
	return a
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// Covers reports whether a host is one that certificates are for.
func (a *Authority) Covers(host string) bool { return slices.Contains(a.Hosts, strings.ToLower(host)) }

// Challenges answers the authority's questions over plain HTTP (RFC 8555 §8.3)
// and leaves everything else to next.
func (a *Authority) Challenges(next http.Handler) http.Handler { return a.manager.HTTPHandler(next) }

// Certificate gives the certificate for the host that a client names; it fits
// tls.Config. It does not wait.
func (a *Authority) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !a.Covers(host) {
		return nil, fmt.Errorf("%q is not in tls.acme_hosts", host)
	}
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return a.manager.GetCertificate(hello) // the authority, with its question
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if c := a.ready[host]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("there is no certificate for %q yet", host)
}

// Reload tries at once where the last try has failed.
func (a *Authority) Reload() error {
	for _, again := range a.again {
		select {
		case again <- struct{}{}:
		default: // it is about to
		}
	}
	return nil
}

// Watch gets the certificates and keeps them fresh until ctx ends. The listener
// that uses Certificate has to be open: the authority asks there.
func (a *Authority) Watch(ctx context.Context) {
	a.manager.Client = &acme.Client{DirectoryURL: a.Directory, UserAgent: "gatehouse", HTTPClient: a.client(ctx)}
	var hosts sync.WaitGroup
	for _, host := range a.Hosts {
		hosts.Go(func() { a.keep(ctx, host) })
	}
	hosts.Wait()
}

// keep keeps the certificate of one host.
func (a *Authority) keep(ctx context.Context, host string) {
	var reminder reminder
	failures := 0
	for ctx.Err() == nil {
		pause := refresh
		c, err := a.manager.GetCertificate(helloTo(host))
		switch {
		case err == nil:
			failures = 0
			a.use(host, c)
			reminder.look(a.Log, c.Leaf, "problem", a.lastProblem())
		case ctx.Err() == nil:
			failures++
			pause = retries(failures)
			a.Log.Warn("no TLS certificate from the authority", "host", host, "problem", err, "next_try", pause,
				"needed", "the name leads here, and port 443, or 80 with tls.redirect_listen, is reached from the Internet")
		}
		a.wait(ctx, host, pause, failures > 0)
	}
}

// wait waits for the time of the next try, which Reload brings forward after a
// failure, though not before the library has forgotten it.
func (a *Authority) wait(ctx context.Context, host string, pause time.Duration, failed bool) {
	soonest := time.Now().Add(forgetting)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-a.again[host]:
			if failed {
				timer.Reset(time.Until(soonest))
			}
		}
	}
}

func (a *Authority) use(host string, c *tls.Certificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before := a.ready[host]; before == nil || !before.Leaf.Equal(c.Leaf) {
		a.Log.Info("TLS certificate in use", "host", host, "authority", a.Directory, "ends", c.Leaf.NotAfter)
		a.problem = ""
	}
	a.ready[host] = c
}

// helloTo asks the library for a certificate that every client of today takes.
func helloTo(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}
