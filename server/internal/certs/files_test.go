package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// used is the name in the certificate that clients get.
func used(t *testing.T, p *Pair) string {
	t.Helper()
	c, err := p.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.Subject.CommonName
}

func TestOpenPairRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, spoil := range map[string]func(files){
		"no files": func(files) {},
		"no key":   func(f files) { f.put("a.test", now, now.Add(month)); _ = os.Remove(f.key) },
		"another key": func(f files) {
			f.put("a.test", now, now.Add(month))
			_, k := certstest.Issue(t, "b.test", now, now)
			f.write(f.key, k)
		},
		"no PEM": func(f files) { f.write(f.cert, "x"); f.write(f.key, "x") },
		"large":  func(f files) { f.put("a.test", now, now.Add(month)); f.write(f.key, strings.Repeat("x", maxFile+1)) },
		"key for cert": func(f files) {
			f.put("a.test", now, now.Add(month))
			_, k := certstest.Issue(t, "b.test", now, now)
			f.write(f.cert, k)
		},
	} {
		f := newFiles(t)
		spoil(f)
		if _, err := OpenPair(f.cert, f.key, new(logged).logger()); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWatch goes through what happens to files over the years.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f, log := newFiles(t), &logged{}
		f.put("old.test", begin, begin.Add(3*day))
		p, err := OpenPair(f.cert, f.key, log.logger())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		go p.Watch(ctx)
		says := func(step, name, words string, times int) {
			t.Helper()
			synctest.Wait()
			if got := used(t, p); got != name {
				t.Errorf("%s: %s is in use, want %s", step, got, name)
			}
			if got := strings.Count(log.String(), words); got != times {
				t.Errorf("%s: %q was logged %d times, want %d:\n%s", step, words, got, times, log.String())
			}
		}
		const useless = "cannot be used"
		says("start", "old.test", "in use", 1)

		cert, key := certstest.Issue(t, "new.test", begin, begin.Add(6*day))
		f.write(f.cert, cert)
		time.Sleep(pollInterval)
		says("half replaced", "old.test", useless, 0)
		f.write(f.key, key)
		time.Sleep(pollInterval)
		says("replaced", "new.test", useless, 0)
		says("replaced", "new.test", "in use", 2)

		_, other := certstest.Issue(t, "other.test", begin, begin.Add(day))
		f.write(f.key, other)
		time.Sleep(time.Hour)
		says("another key", "new.test", useless, 1)
		if err := os.Remove(f.key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		says("no key", "new.test", useless, 2)
		f.put("ended.test", begin.Add(-day), begin)
		time.Sleep(time.Hour)
		says("ended", "new.test", useless, 3)
		f.put("later.test", begin.Add(day), begin.Add(4*day))
		time.Sleep(time.Hour)
		says("not yet good", "new.test", useless, 4)
		time.Sleep(time.Until(begin.Add(day + time.Minute)))
		says("good now", "later.test", "in use", 3)

		const soon = "ends soon"
		time.Sleep(time.Until(begin.Add(4*day - 13*time.Hour)))
		says("in time", "later.test", soon, 0)
		time.Sleep(2 * time.Hour)
		says("11 hours before the end", "later.test", soon, 1)
		time.Sleep(day + time.Hour)
		says("a day later", "later.test", soon, 2)
	})
}

func TestReload(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFiles(t)
	f.put("old.test", now.Add(-2*month), now.Add(-month))
	log := &logged{}
	p, err := OpenPair(f.cert, f.key, log.logger())
	if err != nil || !strings.Contains(log.String(), "it expired") {
		t.Fatalf("one that has ended: %v\n%s", err, log.String())
	}
	f.write(f.cert, "x")
	if err := p.Reload(); err == nil || used(t, p) != "old.test" {
		t.Errorf("a broken pair: %v, %s is in use", err, used(t, p))
	}
	f.put("new.test", now, now.Add(month))
	if err := p.Reload(); err != nil || used(t, p) != "new.test" || !p.Covers("NEW.test") || p.Covers("old.test") {
		t.Errorf("a new pair: %v, %s is in use", err, used(t, p))
	}
	if err := p.Reload(); err != nil || strings.Count(log.String(), "in use") != 2 {
		t.Errorf("retryNow: %v\n%s", err, log.String())
	}
}

// TestConfig speaks to real clients: the versions, and a certificate that is
// replaced while connections are open.
func TestConfig(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFiles(t)
	f.put("chat.test", now, now.Add(month))
	p, err := OpenPair(f.cert, f.key, new(logged).logger())
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", Config(p.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); echo(l) }()
	t.Cleanup(func() { _ = l.Close(); <-served })

	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AddCert(p.current.Load().Leaf)
		c.ServerName = "chat.test"
		return tls.Dial("tcp", l.Addr().String(), c)
	}
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := dial(&tls.Config{MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if got := c.ConnectionState().NegotiatedProtocol; got != "h2" {
				t.Errorf("%s: speaks %q", tls.VersionName(version), got)
			}
			_ = c.Close()
		}
	}
	before, err := dial(&tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	f.put("chat.test", now, now.Add(2*month))
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	after, err := dial(&tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if a, b := before.ConnectionState().PeerCertificates[0], after.ConnectionState().PeerCertificates[0]; a.Equal(b) {
		t.Error("a new connection got the old certificate")
	}
	if _, err := before.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := before.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the old connection: %d, %v", n, err)
	}
}

// echo serves connections until the listener is closed.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b := make([]byte, 1)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				if _, err := c.Write(b[:n]); err != nil {
					return
				}
			}
		}()
	}
}
