package main

import (
	"context"
	"io"

	"github.com/gatehouse-chat/gatehouse/server/internal/doctor"
)

// examine is the command gatehouse doctor.
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
		return errProblemsFound
	}
	return nil
}
