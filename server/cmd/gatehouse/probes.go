package main

import (
	"context"
	"errors"
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
	set := flagSet(name)
	set.StringVar(&p.tokenFile, "token-file", "", "")
	set.BoolVar(&p.json, "json", false, "")
	if name == "doctor" {
		set.StringVar(&p.origin, "origin", "", "")
	} else {
		set.DurationVar(&p.wait, "wait", 0, "")
		set.StringVar(&p.rows, "rows", "", "")
		set.BoolVar(&p.proxied, "proxied", false, "")
	}
	if p.url, err = parse(set, args, "the gateway's URL, such as https://chat.example.com"); err != nil {
		return p, err
	}
	if err := p.checkAddresses(); err != nil {
		return p, usageError{err}
	}
	return p, nil
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

// doctorCommand is the command gatehouse doctor.
func doctorCommand(ctx context.Context, args []string, out, _ io.Writer) error {
	p, token, err := probe("doctor", args)
	if err != nil {
		return err
	}
	return examine(ctx, p, token, out)
}

// conformanceCommand is the command gatehouse conformance.
func conformanceCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	p, token, err := probe("conformance", args)
	if err != nil {
		return err
	}
	return conform(ctx, p, token, out, errs)
}

// probe parses the arguments of doctor or conformance, and reads the token.
func probe(name string, args []string) (p probeFlags, token string, err error) {
	if p, err = parseProbe(name, args); err != nil {
		return p, "", err
	}
	token, err = p.token(os.Stdin)
	return p, token, err
}
