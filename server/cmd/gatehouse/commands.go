package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// source is where the configuration comes from.
func source(f config.Flags) (config.Source, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Source{}, fmt.Errorf("find the working directory: %w", err)
	}
	return config.Source{Flags: f, Env: os.Environ(), Dir: dir}, nil
}

// load reads the configuration; errs is told the warnings.
func load(f config.Flags, errs io.Writer) (config.Config, error) {
	from, err := source(f)
	if err != nil {
		return config.Config{}, err
	}
	c, warnings, err := config.Load(from)
	for _, w := range warnings {
		fmt.Fprintf(errs, "gatehouse: warning: %s\n", w)
	}
	if err != nil {
		return c, fmt.Errorf("the configuration has faults:\n%w", err)
	}
	return c, nil
}

func serve(ctx context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	from, err := source(f) // now, whatever the directory is later
	if err != nil {
		return err
	}
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	level := new(slog.LevelVar)
	level.Set(c.Log.Level)
	return app.Run(ctx, app.Options{
		Config: c, Version: version, Log: logger(c.Log.Format, level, errs), Level: level, Out: out, Reloads: reloads,
		Load:       func() (config.Config, []config.Warning, error) { return config.Load(from) },
		ConfigFile: filepath.Base(from.File()),
	})
}

func logger(format config.LogFormat, level slog.Leveler, to io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}

func check(_ context.Context, f config.Flags, out, errs io.Writer) error {
	if _, err := load(f, errs); err != nil {
		return err
	}
	fmt.Fprintln(out, "The configuration is fine.")
	return nil
}

func token(_ context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	if c.Gateway.Token.IsSet() {
		fmt.Fprintln(out, c.Gateway.Token.Reveal())
		return nil
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	kept, err := auth.KeepToken(c.DataDir)
	if err != nil {
		return err
	}
	if kept.Loose != "" {
		fmt.Fprintf(errs, "gatehouse: warning: %s\n", kept.Loose)
	}
	fmt.Fprintln(out, kept.Token.Reveal())
	return nil
}

// healthTimeout bounds the question whether the gateway is ready.
const healthTimeout = 5 * time.Second

// health asks the gateway on this machine whether it is ready.
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
		scheme, client.Transport = "https", &http.Transport{TLSClientConfig: ownTLS(c.TLS)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
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

// ownTLS speaks to the gateway on this machine, whose certificate is for other
// names than the address that it is asked at.
func ownTLS(c config.TLS) *tls.Config {
	own := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} // #nosec G402 -- nothing is sent, and what is read is a status
	if len(c.ACMEHosts) > 0 {
		own.ServerName = c.ACMEHosts[0]
	}
	return own
}
