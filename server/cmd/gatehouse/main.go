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
	"strings"
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
	name, rest := commandName(args)
	if name == extractPDF {
		return readPDF()
	}
	c, ok := commandNamed(name)
	if !ok {
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", unknownCommand(name))
		return exitUsage
	}
	if slices.ContainsFunc(rest, isHelp) && name != "help" {
		fmt.Fprint(out, c.help())
		return exitOK
	}
	err := c.run(ctx, rest, out, errs)
	switch {
	case errors.As(err, &usageError{}):
		fmt.Fprintf(errs, "gatehouse: %s\n", explainUsage(c, args, err))
		return exitUsage
	case errors.Is(err, errProblemsFound):
		return exitFault
	case err != nil:
		fmt.Fprintf(errs, "gatehouse: %v\n", err)
		return exitFault
	}
	return exitOK
}

// commandName returns the name of the command that args begin with, serve if they begin
// with a flag, and the arguments that follow the name.
func commandName(args []string) (name string, rest []string) {
	switch {
	case len(args) == 0 || args[0] == "":
		return "serve", args
	case isHelp(args[0]): // gatehouse -h is about all commands, gatehouse serve -h about one
		return "help", args
	case len(args) == 1 && (args[0] == "-version" || args[0] == "--version"):
		return "version", nil
	case isFlag(args[0]):
		return "serve", args
	case args[0] == "config" && len(args) > 1 && isHelp(args[1]):
		return "config check", args[1:]
	case args[0] == "config" && len(args) > 1:
		return "config " + args[1], args[2:]
	}
	return args[0], args[1:]
}

// explainUsage says what is wrong with the command line, and which help to read.
func explainUsage(c subcommand, args []string, err error) string {
	if len(args) > 0 && isFlag(args[0]) && slices.ContainsFunc(args, isCommand) {
		return "the command comes before its flags, as in gatehouse config check -config FILE; " +
			"try gatehouse help"
	}
	if c.name == "help" {
		return err.Error() + "; try gatehouse help"
	}
	return err.Error() + "; try gatehouse help " + c.name
}

// isHelp reports whether an argument asks for help.
func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

func isFlag(arg string) bool { return strings.HasPrefix(arg, "-") }

// isCommand reports whether an argument is the first word of a command's name.
func isCommand(arg string) bool {
	return slices.ContainsFunc(commands(), func(c subcommand) bool {
		first, _, _ := strings.Cut(c.name, " ")
		return first == arg
	})
}

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
