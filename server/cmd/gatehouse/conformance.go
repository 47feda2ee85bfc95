package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance"
	"github.com/gatehouse-chat/gatehouse/server/internal/terminal"
)

// conformTimeout limits the tests, in addition to the time that rows wait.
const conformTimeout = 30 * time.Minute

// conform is the command gatehouse conformance.
func conform(ctx context.Context, p probeFlags, token string, out, errs io.Writer) error {
	rows, err := regexp.Compile(p.rows)
	if err != nil {
		return usageError{fmt.Errorf("-rows: %w", err)}
	}
	if token == "" {
		return usageError{fmt.Errorf("conformance needs an admin's token: "+
			"use -token-file FILE, or set %s", tokenVariable)}
	}
	target, err := conformance.At(p.url, token, nil)
	if err != nil {
		return usageError{err}
	}
	if isUnencrypted(target.URL) {
		fmt.Fprintln(errs, "gatehouse: warning: the token is sent over plain HTTP, so others on "+
			"the network can read it")
	}
	target.Proxied = p.proxied
	limit := conformTimeout + 2*p.wait
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	about, err := conformance.Learn(ctx, target)
	if err != nil {
		// The error may quote the gateway.
		why := terminal.Line(strings.ReplaceAll(err.Error(), token, "(the token)"), 300)
		return fmt.Errorf("%s: %s; run gatehouse doctor %s to find out why", target.URL, why,
			target.URL)
	}
	target.Without = about.Without
	want := func(r conformance.Row) bool { return rows.MatchString(r.Section + ": " + r.Says) }
	table := conformance.Table{URL: target.URL,
		Gateway: strings.TrimSpace(about.Name + " " + about.Version), Without: about.Without}
	done := 0
	table.Rows, table.Left = conformance.Walk(ctx, target,
		conformance.Plan{Want: want, Wait: p.wait, Done: func(conformance.Result) {
			if done++; done%20 == 0 {
				fmt.Fprintf(errs, "gatehouse: %d rows finished\n", done)
			}
		}})
	if len(table.Rows) == 0 {
		return usageError{fmt.Errorf("-rows %q matches no row", p.rows)}
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
		return errProblemsFound
	}
	return nil
}

// isUnencrypted reports whether others on the network can read what is sent to address.
func isUnencrypted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}
