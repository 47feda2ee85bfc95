package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance"
	"github.com/gatehouse-chat/gatehouse/server/internal/doctor"
)

// tokenVariable holds the token for gateways that are looked at from outside.
// It is another one than the gateway's own, which must not go to strangers
// because it happens to be set.
const tokenVariable = "GATEHOUSE_TOKEN"

// maxTokenFile bounds a file that holds a token, in bytes.
const maxTokenFile = 4 << 10

// usageError is what was asked in a way that is not understood.
type usageError struct{ error }

// probeFlags are the flags of doctor and conformance.
type probeFlags struct {
	url       string
	tokenFile string
	json      bool
	origin    string        // of doctor
	wait      time.Duration // of conformance, as what follows
	rows      string
	proxied   bool
}

// parseProbe reads flags and the URL, in any order.
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
			return p, fmt.Errorf("%s needs the gateway's URL, such as https://chat.example.com", name)
		case len(args) == 0:
			return p, nil
		case p.url != "":
			return p, fmt.Errorf("unexpected argument %q", args[0])
		}
		p.url, args = args[0], args[1:]
	}
}

// token reads the token from its file, or else from the environment; "" is none.
func (p probeFlags) token(in io.Reader) (string, error) {
	if p.tokenFile == "" {
		return strings.TrimSpace(os.Getenv(tokenVariable)), nil
	}
	if p.tokenFile != "-" {
		f, err := os.Open(p.tokenFile) // #nosec G304 -- whoever runs the command names it
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
		return "", errors.New("-token-file: it has to hold the token and nothing else")
	}
	return token, nil
}

// probe runs doctor or conformance and gives the exit code.
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
	case errors.Is(err, errFound):
		return exitFault
	case err != nil:
		fmt.Fprintf(errs, "gatehouse: %v\n", err)
		return exitFault
	}
	return exitOK
}

// errFound is that something is wrong with the gateway; out says what.
var errFound = errors.New("something is wrong")

// examine is gatehouse doctor.
func examine(ctx context.Context, p probeFlags, token string, out io.Writer) error {
	report := doctor.Examine(ctx, doctor.Options{URL: p.url, Token: token, Origin: p.origin})
	write := report.WriteText
	if p.json {
		write = report.WriteJSON
	}
	if err := write(out); err != nil {
		return err
	}
	if report.Failed() {
		return errFound
	}
	return nil
}

// inClear reports whether others can read what is sent to a URL.
func inClear(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

// conformTimeout bounds a walk, besides what rows wait by the clock.
const conformTimeout = 30 * time.Minute

// conform is gatehouse conformance.
func conform(ctx context.Context, p probeFlags, token string, out, errs io.Writer) error {
	wanted, err := regexp.Compile(p.rows)
	if err != nil {
		return usageError{fmt.Errorf("-rows: %w", err)}
	}
	if token == "" {
		return usageError{fmt.Errorf("rows need an admin's token: give -token-file FILE, or set %s", tokenVariable)}
	}
	target, err := conformance.At(p.url, token, nil)
	if err != nil {
		return usageError{err}
	}
	if inClear(target.URL) {
		fmt.Fprintln(errs, "gatehouse: warning: the token goes over plain HTTP, where everybody on the way can read it")
	}
	target.Proxied = p.proxied
	most := conformTimeout + 2*p.wait
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("it took over %s", most))
	defer cancel()
	about, err := conformance.Learn(ctx, target)
	if err != nil {
		return fmt.Errorf("%s: %w; gatehouse doctor %s may know why", target.URL, err, target.URL)
	}
	target.Without = about.Without
	want := func(r conformance.Row) bool { return wanted.MatchString(r.Section + ": " + r.Says) }
	table := conformance.Table{URL: target.URL, Gateway: strings.TrimSpace(about.Name + " " + about.Version), Without: about.Without}
	done := 0
	table.Rows, table.Left = conformance.Walk(ctx, target, conformance.Plan{Want: want, Wait: p.wait, Done: func(conformance.Result) {
		if done++; done%20 == 0 {
			fmt.Fprintf(errs, "gatehouse: %d rows done\n", done)
		}
	}})
	if len(table.Rows) == 0 {
		return usageError{fmt.Errorf("-rows %q picks none", p.rows)}
	}
	write := table.WriteText
	if p.json {
		write = table.WriteJSON
	}
	switch err := write(out); {
	case err != nil:
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case table.Count(conformance.Failed) > 0:
		return errFound
	}
	return nil
}
