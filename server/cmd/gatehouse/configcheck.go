package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// check is the command gatehouse config check. It says which file it has read.
func check(_ context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	if c.File == "" {
		fmt.Fprintf(out, "There is no %s here: the defaults are used.\n", config.DefaultFile)
		return nil
	}
	fmt.Fprintf(out, "%s is fine.\n", c.File)
	return nil
}
