package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// check is the command gatehouse config check.
func check(_ context.Context, f config.Flags, out, errs io.Writer) error {
	if _, err := load(f, errs); err != nil {
		return err
	}
	fmt.Fprintln(out, "The configuration is fine.")
	return nil
}
