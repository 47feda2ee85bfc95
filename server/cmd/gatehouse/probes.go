package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/doctor"
)

// tokenVariable names the environment variable with the token for doctor and conformance.
// The gateway has another variable for its own token, so that this token is not sent to
// another gateway by accident.
const tokenVariable = "GATEHOUSE_TOKEN"

// maxTokenFile limits the size of a token file, in bytes.
const maxTokenFile = 4 << 10

// usageError is an error in the use of a command.
type usageError struct{ error }

// probeFlags are the flags of doctor and conformance.
type probeFlags struct {
	url       string // the gateway's
	tokenFile string // "-" is the standard input
	json      bool   // print JSON

	// For doctor:
	origin string // also test whether pages of this origin may connect

	// For conformance:
	wait    time.Duration // also run rows that wait up to this long
	rows    string        // a regular expression that selects rows
	proxied bool          // whether the gateway trusts this machine as a proxy
}

// parseProbe parses the flags and the URL, in any order.
func parseProbe(name string, args []string) (p probeFlags, err error) {
	set := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&p.tokenFile, "token-file", "", "")
	set.BoolVar(&p.json, "json", false, "")
	if name == "doctor" {
		set.StringVar(&p.origin, "origin", "", "")
	} else {
		set.DurationVar(&p.wait, "wait", 0, "")
		set.StringVar(&p.rows, "rows", "", "")
		set.BoolVar(&p.proxied, "proxied", false, "")
	}
	for {
		if err := set.Parse(args); err != nil {
			return p, err
		}
		switch args = set.Args(); {
		case len(args) == 0 && p.url == "":
			return p, fmt.Errorf("%s needs the gateway's URL, such as "+
				"https://chat.example.com", name)
		case len(args) == 0:
			return p, p.checkAddresses()
		case p.url != "":
			return p, fmt.Errorf("unexpected argument %q", args[0])
		}
		p.url, args = args[0], args[1:]
	}
}

// checkAddresses checks the URL and the origin, and proposes what was probably meant.
func (p probeFlags) checkAddresses() error {
	_, err := doctor.ParseURL(p.url)
	if err == nil && p.origin != "" {
		_, err = doctor.ParseOrigin(p.origin)
	}
	return err
}

// token reads the token from its file. Without a file, it takes the token from the
// environment; "" means that there is none.
func (p probeFlags) token(in io.Reader) (string, error) {
	if p.tokenFile == "" {
		return strings.TrimSpace(os.Getenv(tokenVariable)), nil
	}
	if p.tokenFile != "-" {
		f, err := os.Open(p.tokenFile) // #nosec G304 -- the user names the file
		if err != nil {
			return "", fmt.Errorf("-token-file: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTokenFile))
	token := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", fmt.Errorf("-token-file: %w", err)
	case token == "" || strings.ContainsAny(token, " \t\r\n") || len(text) == maxTokenFile:
		return "", errors.New("-token-file: the file must contain a token and nothing else")
	}
	return token, nil
}

// probe runs doctor or conformance, and returns the exit code.
func probe(ctx context.Context, name string, args []string, out, errs io.Writer) int {
	p, err := parseProbe(name, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", err)
		return exitUsage
	}
	token, err := p.token(os.Stdin)
	if err == nil {
		if name == "doctor" {
			err = examine(ctx, p, token, out)
		} else {
			err = conform(ctx, p, token, out, errs)
		}
	}
	switch {
	case errors.As(err, &usageError{}):
		fmt.Fprintf(errs, "gatehouse: %v; try gatehouse help\n", err)
		return exitUsage
	case errors.Is(err, errProblemsFound):
		return exitFault
	case err != nil:
		fmt.Fprintf(errs, "gatehouse: %v\n", err)
		return exitFault
	}
	return exitOK
}

// errProblemsFound means that the gateway has problems, which were printed.
var errProblemsFound = errors.New("something is wrong")
