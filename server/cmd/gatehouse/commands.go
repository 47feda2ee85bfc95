package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// load reads the configuration; errs is told the warnings.
func load(f config.Flags, errs io.Writer) (config.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Config{}, fmt.Errorf("find the working directory: %w", err)
	}
	c, warnings, err := config.Load(config.Source{Flags: f, Env: os.Environ(), Dir: dir})
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
	return app.Run(ctx, app.Options{Config: c, Version: version, Log: logger(c.Log, errs), Out: out})
}

func logger(c config.Log, to io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.LogJSON {
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
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
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
