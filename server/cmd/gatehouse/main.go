// Command gatehouse is the gateway. "gatehouse serve" serves the web chat; the other
// commands check a configuration, print the token, back up and restore the data, and test
// gateways. commands.go lists them.
//
// This package parses the command line. What serve does is in package app.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
)

// version is set by the linker when a release is built.
var version = "devel"

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1 // the command failed, or found problems
	exitUsage = 2 // the command line is wrong
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// Before the shutdown begins: a second signal must end the process at once.
		signal.Stop(signals)
		stop()
	}()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	name := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && isHelp(args[0]) {
		name = "help" // gatehouse -h is about all commands, gatehouse serve -h about one
	} else if len(args) == 1 && (args[0] == "-version" || args[0] == "--version") {
		name, args = "version", nil
	}
	if name == "config" && len(args) > 0 && isHelp(args[0]) {
		name = "config check"
	} else if name == "config" && len(args) > 0 {
		name, args = "config "+args[0], args[1:]
	}
	if name == extractPDF {
		return readPDF()
	}
	c, ok := commandNamed(name)
	if !ok {
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", unknownCommand(name))
		return exitUsage
	}
	if slices.ContainsFunc(args, isHelp) && name != "help" {
		fmt.Fprint(out, c.help())
		return exitOK
	}
	err := c.run(ctx, args, out, errs)
	switch {
	case errors.As(err, &usageError{}) && c.name == "help":
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", err)
		return exitUsage
	case errors.As(err, &usageError{}):
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help %s\n", err, c.name)
		return exitUsage
	case errors.Is(err, errProblemsFound):
		return exitFault
	case err != nil:
		fmt.Fprintf(errs, "gatehouse: %v\n", err)
		return exitFault
	}
	return exitOK
}

// isHelp reports whether an argument asks for help.
func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// usageError is an error in the use of a command.
type usageError struct{ error }

// errProblemsFound means that a command has found problems and has printed them.
var errProblemsFound = errors.New("something is wrong")

// printVersion is the command gatehouse version.
func printVersion(_ context.Context, args []string, out, _ io.Writer) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	fmt.Fprintf(out, "gatehouse %s %s/%s %s\n", version, runtime.GOOS, runtime.GOARCH,
		runtime.Version())
	return nil
}
