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

// lookAgain is how often the files are read to see whether they have changed.
// Reading finds every way in which they are replaced: renames, symbolic links,
// mounted secrets.
const lookAgain = 10 * time.Second

// maxFile bounds a file of a pair, in bytes.
const maxFile = 1 << 20

// Pair is a certificate from two files. Its methods may be called at the same
// time.
type Pair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	read     content // what current was made of
	bad      content // what was found last and is of no use
	told     bool    // that bad is of no use
	reminder reminder
}

// content is what the two files hold.
type content struct{ cert, key []byte }

func (c content) equal(o content) bool {
	return bytes.Equal(c.cert, o.cert) && bytes.Equal(c.key, o.key)
}

// OpenPair reads a certificate with its chain, the own one first, and its key,
// both PEM. One that has ended is taken, and the log says so: whoever starts
// the gateway has no better one.
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
	if err := valid(pair); err != nil {
		log.Warn("the TLS certificate is of no use to browsers", "file", certFile, "problem", err)
	}
	p.use(found, pair)
	return p, nil
}

// Certificate gives the certificate in use; it fits tls.Config.
func (p *Pair) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// Covers reports whether the certificate is good for a host.
func (p *Pair) Covers(host string) bool { return p.current.Load().Leaf.VerifyHostname(host) == nil }

// Challenges gives next: nobody asks questions about files.
func (p *Pair) Challenges(next http.Handler) http.Handler { return next }

// Watch takes over what the files hold whenever that changes, until ctx ends. A
// pair of no use is logged once it has stayed that way for lookAgain: files
// that are being replaced do not fit each other for a moment.
func (p *Pair) Watch(ctx context.Context) {
	ticks := time.NewTicker(lookAgain)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			p.look()
		}
	}
}

// Reload takes over what the files hold now. The error says why that is of no
// use; then what was in use still is.
func (p *Pair) Reload() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.update()
	return err
}

func (p *Pair) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.update()
	switch {
	case err == nil:
		p.bad, p.told = content{}, false
	case !found.equal(p.bad):
		p.bad, p.told = found, false
	case !p.told:
		p.told = true
		p.log.Warn("the TLS certificate's files have changed and are of no use; the old certificate stays",
			"file", p.certFile, "problem", err)
	}
	p.reminder.look(p.log, p.current.Load().Leaf)
}

// update reads the files and uses what is new in them. p.mu is held.
func (p *Pair) update() (content, error) {
	found, err := p.readFiles()
	if err != nil || found.equal(p.read) {
		return found, err
	}
	pair, err := found.parse()
	if err != nil {
		return found, err
	}
	if err := valid(pair); err != nil && valid(p.current.Load()) == nil {
		return found, err
	}
	p.use(found, pair)
	return found, nil
}

func (p *Pair) use(found content, pair *tls.Certificate) {
	p.read = found
	p.current.Store(pair)
	p.log.Info("TLS certificate in use", "file", p.certFile, "names", names(pair), "ends", pair.Leaf.NotAfter)
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
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s has over %d bytes", name, maxFile)
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

// valid is nil for a certificate whose time it is.
func valid(pair *tls.Certificate) error {
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return fmt.Errorf("it has ended on %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return errors.New("it begins only on " + pair.Leaf.NotBefore.Format(time.RFC3339))
	}
	return nil
}
