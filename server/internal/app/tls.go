package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/backup"
	"github.com/gatehouse-chat/gatehouse/server/internal/certs"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
)

// certificates are the source of the gateway's certificates: files or ACME.
type certificates interface {
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Covers(host string) bool
	Challenges(next http.Handler) http.Handler
	Watch(ctx context.Context)
	Reload() error
}

// makeCertificates prepares TLS if the configuration has it.
func (g *gatehouse) makeCertificates() error {
	c := g.Config.TLS
	switch {
	case c.CertFile != "":
		pair, err := certs.OpenPair(c.CertFile, c.KeyFile, g.Log)
		if err != nil {
			return fmt.Errorf("tls.cert_file: %w", err)
		}
		g.certs = pair
	case len(c.ACMEHosts) > 0:
		g.certs = certs.NewAuthority(certs.AuthorityOptions{
			Hosts: c.ACMEHosts, Email: c.ACMEEmail, Directory: c.ACMEDirectory,
			CacheDir: filepath.Join(g.Config.DataDir, backup.Certificates), Log: g.Log,
		})
	}
	return nil
}

// hosts are the gateway's host names that its settings do not have.
func (g *gatehouse) hosts() httpd.Hosts {
	machine, err := os.Hostname()
	if err != nil {
		g.Log.Debug("the machine's name is not known", "error", err)
	}
	h := httpd.Hosts{Machine: machine}
	if g.certs != nil {
		h.Certified = g.certs.Covers
	}
	return h
}

// redirect is the listener for plain HTTP and its server.
type redirect struct {
	*http.Server
	net.Listener
}

// listenRedirect opens the listener that redirects HTTP to HTTPS, if
// tls.redirect_listen is set.
func (g *gatehouse) listenRedirect() error {
	address := g.Config.TLS.RedirectListen
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(g.listener.Addr().String())
	if err != nil {
		return fmt.Errorf("tls.redirect_listen: %w", err)
	}
	l, err := listen("tls.redirect_listen", address)
	if err != nil {
		return err
	}
	const timeout = 10 * time.Second
	server := httpd.NewServer(g.certs.Challenges(httpd.Redirect(httpd.RedirectOptions{
		Port: port, Covers: g.certs.Covers,
		PublicURL: func() string { return g.settings.Load().config.Gateway.PublicURL },
	})), g.connLimiter, g.Log) // its connections count with the others, since each is an open file
	server.ReadTimeout, server.WriteTimeout, server.IdleTimeout, server.MaxHeaderBytes = timeout,
		timeout, timeout, 8<<10
	g.redirect = &redirect{Listener: l, Server: server}
	return nil
}

// serveHTTP serves until the server is shut down: over TLS if there are certificates.
func (g *gatehouse) serveHTTP() error {
	l := g.connLimiter.Listener(g.listener)
	if g.certs == nil {
		return g.http.Serve(l)
	}
	g.http.TLSConfig = certs.Config(g.certs.Certificate)
	return g.http.ServeTLS(l, "", "")
}
