package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
)

// certificates are what the gateway speaks TLS with.
type certificates interface {
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Covers(host string) bool
	Challenges(next http.Handler) http.Handler
	Watch(ctx context.Context)
	Reload() error
}

// makeCertificates prepares TLS where the configuration asks for it.
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
			CacheDir: filepath.Join(g.Config.DataDir, "acme"), Log: g.Log,
		})
	}
	return nil
}

// redirect is the listener for plain HTTP, and what answers there.
type redirect struct {
	*http.Server
	net.Listener
}

// listenPlain opens the listener that leads from HTTP to HTTPS, if there is to be one.
func (g *gatehouse) listenPlain() error {
	address := g.Config.TLS.RedirectListen
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(g.listener.Addr().String())
	if err != nil {
		return fmt.Errorf("tls.redirect_listen: %w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("tls.redirect_listen: %w", err)
	}
	const enough = 10 * time.Second
	server := httpd.NewServer(g.certs.Challenges(httpd.Redirect(httpd.RedirectOptions{
		Port: port, Covers: g.certs.Covers, PublicURL: func() string { return g.live.Load().config.Gateway.PublicURL },
	})), g.sockets, g.Log) // its connections count with the others: they are as many files
	server.ReadTimeout, server.WriteTimeout, server.IdleTimeout, server.MaxHeaderBytes = enough, enough, enough, 8<<10
	g.redirect = &redirect{Listener: l, Server: server}
	return nil
}

// serveHTTP serves over TLS, if there are certificates, until the server is shut
// down.
func (g *gatehouse) serveHTTP() error {
	l := g.sockets.Listener(g.listener)
	if g.certs == nil {
		return g.http.Serve(l)
	}
	g.http.TLSConfig = certs.Config(g.certs.Certificate)
	return g.http.ServeTLS(l, "", "")
}
