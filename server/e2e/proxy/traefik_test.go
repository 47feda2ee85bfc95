package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// startTraefik starts a stand-in for Traefik, which no Debian package has. Like Traefik it
// is Go's reverse proxy, which passes upgrades on, and it sends the headers that Traefik
// sends: those of clients are removed, and X-Forwarded-Proto is wss on an upgrade and
// https otherwise. The changes are names of headers that the proxy removes.
//
// The addresses are those of the manual's configuration for Traefik, of which nothing else
// is tested.
func startTraefik(t testing.TB, gateway string, change ...string) server {
	t.Helper()
	configured := replaceOnce(t, manualBlock(t, "yaml"), "http://127.0.0.1:8080", "http://"+gateway)
	if !strings.Contains(configured, "Host(`"+host+"`)") {
		t.Fatalf("the manual's configuration is for another host:\n%s", configured)
	}
	certificate, key, roots := newCertificate(t)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair},
		MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	s := &http.Server{ErrorLog: quiet, Handler: &httputil.ReverseProxy{
		ErrorLog: quiet, FlushInterval: -1,
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: gateway})
			sendAsTraefik(r, change)
		},
	}}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Shutdown(context.WithoutCancel(t.Context())); _ = s.Close() })
	return server{l.Addr().String(), roots}
}

// sendAsTraefik sets the headers that Traefik sends to a service. Go's reverse proxy has
// removed what the client sent of Forwarded and of most X-Forwarded-* headers.
func sendAsTraefik(r *httputil.ProxyRequest, remove []string) {
	client, _, _ := net.SplitHostPort(r.In.RemoteAddr)
	_, port, err := net.SplitHostPort(r.In.Host)
	if err != nil {
		port = "443"
	}
	scheme := "https"
	if strings.EqualFold(r.In.Header.Get("Upgrade"), "websocket") {
		scheme = "wss"
	}
	r.Out.Host = r.In.Host // passHostHeader, which is the default
	for name, value := range map[string]string{
		"X-Forwarded-For": client, "X-Real-Ip": client, "X-Forwarded-Proto": scheme,
		"X-Forwarded-Host": r.In.Host, "X-Forwarded-Port": port, "X-Forwarded-Server": "traefik",
	} {
		r.Out.Header.Set(name, value)
	}
	for name := range r.Out.Header {
		if slices.Contains(remove, name) {
			r.Out.Header.Del(name)
		}
	}
}
