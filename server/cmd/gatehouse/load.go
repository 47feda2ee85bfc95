package main

import (
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// source returns the sources of the configuration: the flags, the environment and the
// working directory, in which a config file may be.
func source(f config.Flags) (config.Source, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Source{}, fmt.Errorf("find the working directory: %w", err)
	}
	return config.Source{Flags: f, Env: os.Environ(), Dir: dir}, nil
}

// load reads the configuration. It writes the warnings to errs.
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
		return c, fmt.Errorf("the configuration has errors:\n%w", err)
	}
	return c, nil
}
