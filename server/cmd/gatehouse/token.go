package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// gatewayTokenVariable names the environment variable with the gateway's own token.
const gatewayTokenVariable = "GATEHOUSE_GATEWAY_TOKEN"

// token is the command gatehouse token. It prints the token to out, and to errs where the
// token comes from. It creates nothing: with a wrong -data-dir or another user's
// environment, a new token would be one that no gateway knows.
func token(_ context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	if c.Gateway.Token.IsSet() {
		fmt.Fprintf(errs, "gatehouse: this token is from %s\n", tokenSource(c))
		fmt.Fprintln(out, c.Gateway.Token.Reveal())
		return nil
	}
	stored, err := auth.ReadToken(c.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no token: %s does not exist, and no token is configured. The "+
			"gateway generates the token at its first start. If the gateway has started already, "+
			"it has another data directory: run this command as the same user and with the same "+
			"-config, -data-dir and environment as the gateway",
			filepath.Join(c.DataDir, auth.TokenFile))
	}
	if err != nil {
		return err
	}
	for _, w := range stored.Warnings {
		fmt.Fprintf(errs, "gatehouse: warning: %s\n", w)
	}
	fmt.Fprintf(errs, "gatehouse: this token is from %s\n", stored.File)
	fmt.Fprintln(out, stored.Token.Reveal())
	return nil
}

// tokenSource says in words where a configured token comes from.
func tokenSource(c config.Config) string {
	switch {
	case os.Getenv(gatewayTokenVariable) != "": // it overrides the file
		return "the environment variable " + gatewayTokenVariable
	case c.Gateway.TokenFile != "":
		return c.Gateway.TokenFile + " (gateway.token_file)"
	}
	return c.File + " (gateway.token)"
}
