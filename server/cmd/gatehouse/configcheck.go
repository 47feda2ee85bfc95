package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// check is the command gatehouse config check. It says which file it has read. It refuses
// what serve refuses before it listens.
func check(ctx context.Context, f config.Flags, out, errs io.Writer) error {
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	warnings, err := app.Check(c)
	for _, w := range warnings {
		fmt.Fprintf(errs, "gatehouse: warning: %s\n", w)
	}
	if err == nil {
		var more []string
		more, err = app.CheckData(ctx, c)
		for _, w := range more {
			fmt.Fprintf(errs, "gatehouse: warning: %s\n", w)
		}
	}
	if err != nil {
		return fmt.Errorf("the gateway cannot start:\n%w", err)
	}
	if c.File == "" {
		fmt.Fprintf(out, "There is no %s here: the defaults are used.\n", config.DefaultFile)
		return nil
	}
	fmt.Fprintf(out, "%s is fine.\n", c.File)
	return nil
}
