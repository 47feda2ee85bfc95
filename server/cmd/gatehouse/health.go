package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// healthTimeout limits the request to the gateway.
const healthTimeout = 5 * time.Second

// health is the command gatehouse health. It asks the gateway on this machine whether the
// gateway is ready.
func health(ctx context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(c.Gateway.Listen)
	if err != nil {
		return fmt.Errorf("gateway.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	scheme, client := "http", &http.Client{}
	if c.TLS.On() {
		scheme, client.Transport = "https", &http.Transport{TLSClientConfig: localTLS(c.TLS)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet,
		scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("the gateway is not ready: " + answer.Status)
	}
	fmt.Fprintln(out, "ready")
	return nil
}

// localTLS returns the TLS configuration for a request to the gateway on this machine.
// The gateway's certificate is not verified, since it is for other names than the
// address.
func localTLS(c config.TLS) *tls.Config {
	local := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // #nosec G402 -- no secret is sent
	}
	if len(c.ACMEHosts) > 0 {
		local.ServerName = c.ACMEHosts[0]
	}
	return local
}
