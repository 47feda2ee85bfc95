// Command gatehouse is the gateway. "gatehouse serve" serves the web chat; the other
// commands check a configuration, print the token, and test gateways. The constant usage
// lists them.
//
// This package parses the command line. What serve does is in package app.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// version is set by the linker when a release is built.
var version = "devel"

const usage = `Gatehouse: chat with AI agents in the browser, through a gate that you keep.

Usage:

    gatehouse [serve] [flags]    serve (the default)
    gatehouse config check       check the configuration and list all errors
    gatehouse token              print the admin's gateway token
    gatehouse health             ask the running gateway whether it is ready
    gatehouse doctor URL         find out why clients cannot connect to a gateway
    gatehouse conformance URL    test whether a gateway keeps the protocol
    gatehouse version            print the version
    gatehouse help               print this help

Flags of serve, config check, token and health:

    -config FILE        the configuration file; default ./config.json5, if it exists
    -listen ADDR        the address to listen at; default 127.0.0.1:8080
    -data-dir DIR       the directory of the database, the files and the token
    -log-format FORMAT  text or json
    -log-level LEVEL    debug, info, warn or error

Flags of doctor and conformance:

    -token-file FILE    the file with a token, API key or device credential; - is
                        the standard input; default the variable GATEHOUSE_TOKEN
    -json               print JSON

Flags of doctor:

    -origin URL         also test whether pages of this origin may connect

Flags of conformance, which needs an admin's token:

    -rows REGEXP        run only the rows whose "section: text" matches
    -wait DURATION      also run rows that must wait up to this long, such as 5m
    -proxied            the gateway trusts this machine as a proxy: run faster

Exit codes: 0 success, 1 failure or problems found, 2 wrong usage.

Environment: GATEHOUSE_CONFIG, GATEHOUSE_LISTEN, GATEHOUSE_DATA_DIR,
GATEHOUSE_GATEWAY_TOKEN. Flags win over the environment, the environment over
the file, the file over the defaults.
`

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
	}
	commands := map[string]func(context.Context, config.Flags, io.Writer, io.Writer) error{
		"serve": serve, "token": token, "health": health, "config check": check,
	}
	if name == "config" && len(args) > 0 {
		name, args = "config "+args[0], args[1:]
	}
	switch name {
	case "version":
		fmt.Fprintf(out, "gatehouse %s %s/%s %s\n", version, runtime.GOOS, runtime.GOARCH,
			runtime.Version())
		return exitOK
	case "help":
		fmt.Fprint(out, usage)
		return exitOK
	case extractPDF:
		return readPDF()
	}
	if name == "doctor" || name == "conformance" {
		return probe(ctx, name, args, out, errs)
	}
	command, ok := commands[name]
	if !ok {
		fmt.Fprintf(errs, "gatehouse: unknown command %q; try gatehouse help\n", name)
		return exitUsage
	}
	flags, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", err)
		return exitUsage
	}
	if err := command(ctx, flags, out, errs); err != nil {
		fmt.Fprintf(errs, "gatehouse: %v\n", err)
		return exitFault
	}
	return exitOK
}

// parseFlags parses the flags of serve, config check, token and health.
func parseFlags(args []string) (config.Flags, error) {
	var f config.Flags
	set := flag.NewFlagSet("gatehouse", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.ConfigFile, "config", "", "")
	set.StringVar(&f.Listen, "listen", "", "")
	set.StringVar(&f.DataDir, "data-dir", "", "")
	set.StringVar(&f.LogFormat, "log-format", "", "")
	set.StringVar(&f.LogLevel, "log-level", "", "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	return f, nil
}
