package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// token is the command gatehouse token. If there is no token yet, it generates one, as
// serve does.
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
		return fmt.Errorf("create the data directory: %w", err)
	}
	stored, err := auth.LoadToken(c.DataDir)
	if err != nil {
		return err
	}
	if stored.Warning != "" {
		fmt.Fprintf(errs, "gatehouse: warning: %s\n", stored.Warning)
	}
	fmt.Fprintln(out, stored.Token.Reveal())
	return nil
}
