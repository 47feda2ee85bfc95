package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pollInterval is how often the files are read to see whether they have changed.
// Reading notices every way of replacing them: renames, symbolic links and mounted
// secrets.
const pollInterval = 10 * time.Second

// maxFile bounds a file of a pair, in bytes.
const maxFile = 1 << 20

// Pair is a certificate and its key, from two files. Its methods are safe for
// concurrent use.
type Pair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate] // the active certificate

	// mu guards the following fields.
	mu        sync.Mutex
	loaded    content // the files' content that current was made from
	bad       content // the last content that cannot be used
	badLogged bool    // whether bad was logged
	reminder  expiryReminder
}

// content is that of the two files.
type content struct{ cert, key []byte }

func (c content) equal(o content) bool {
	return bytes.Equal(c.cert, o.cert) && bytes.Equal(c.key, o.key)
}

// OpenPair reads a certificate with its chain, the leaf certificate first, and its
// key, both PEM. It accepts an expired certificate, with a warning in the log, since
// there is no better one to use at the start.
func OpenPair(certFile, keyFile string, log *slog.Logger) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, log: log}
	found, err := p.readFiles()
	if err != nil {
		return nil, err
	}
	pair, err := found.parse()
	if err != nil {
		return nil, err
	}
	if err := checkValidity(pair); err != nil {
		log.Warn("browsers will reject the TLS certificate", "file", certFile, "problem", err)
	}
	p.useLocked(found, pair)
	return p, nil
}

// Certificate returns the active certificate. It is for tls.Config.GetCertificate.
func (p *Pair) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// Covers reports whether the certificate is valid for a host.
func (p *Pair) Covers(host string) bool { return p.current.Load().Leaf.VerifyHostname(host) == nil }

// Challenges returns next: certificates from files need no challenges.
func (p *Pair) Challenges(next http.Handler) http.Handler { return next }

// Watch uses new content of the files whenever they change, until ctx ends. Files
// that cannot be used are logged only when they have not changed for pollInterval:
// while both files are being replaced, they do not match for a moment.
func (p *Pair) Watch(ctx context.Context) {
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			p.poll()
		}
	}
}

// Reload uses the content that the files have now. If it cannot be used, the error says
// why, and the active certificate does not change.
func (p *Pair) Reload() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.updateLocked()
	return err
}

// poll uses new content, and logs content that cannot be used.
func (p *Pair) poll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.updateLocked()
	switch {
	case err == nil:
		p.bad, p.badLogged = content{}, false
	case !found.equal(p.bad):
		p.bad, p.badLogged = found, false
	case !p.badLogged:
		p.badLogged = true
		p.log.Warn("the changed TLS certificate files cannot be used; the old "+
			"certificate stays active",
			"file", p.certFile, "problem", err)
	}
	p.reminder.warnIfDue(p.log, p.current.Load().Leaf)
}

// updateLocked reads the files and uses their content if it is new. It returns the
// content, and an error if the content cannot be used.
func (p *Pair) updateLocked() (content, error) {
	found, err := p.readFiles()
	if err != nil || found.equal(p.loaded) {
		return found, err
	}
	pair, err := found.parse()
	if err != nil {
		return found, err
	}
	if err := checkValidity(pair); err != nil && checkValidity(p.current.Load()) == nil {
		return found, err
	}
	p.useLocked(found, pair)
	return found, nil
}

func (p *Pair) useLocked(found content, pair *tls.Certificate) {
	p.loaded = found
	p.current.Store(pair)
	p.log.Info("TLS certificate in use",
		"file", p.certFile, "names", names(pair), "ends", pair.Leaf.NotAfter)
}

func names(pair *tls.Certificate) []string {
	all := slices.Clone(pair.Leaf.DNSNames)
	for _, ip := range pair.Leaf.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

func (p *Pair) readFiles() (c content, err error) {
	if c.cert, err = readFile(p.certFile); err != nil {
		return c, err
	}
	c.key, err = readFile(p.keyFile)
	return c, err
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name) // #nosec G304 -- the operator names it: tls.cert_file, tls.key_file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // an error loses nothing: the file was only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return text, nil
}

func (c content) parse() (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("certificate and key: %w", err)
	}
	return &pair, nil
}

// checkValidity returns an error if the certificate has expired or is not valid yet.
func checkValidity(pair *tls.Certificate) error {
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return errors.New("it expired on " + pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return errors.New("it is not valid before " + pair.Leaf.NotBefore.Format(time.RFC3339))
	}
	return nil
}
