package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// part is one of the things that check proves.
type part struct {
	name   string
	proves string
	// after names the parts whose results this one uses. It begins when those of them
	// that were chosen have ended, and fails at once when one of them has failed.
	after []string
	needs []need // programs that are not in the tree
	run   func(job) tally
}

// job is what a part runs with.
type job struct {
	context.Context
	out      io.Writer
	programs *programs
}

// outcome is how a part ended.
type outcome struct {
	part string
	tally
	took time.Duration
}

func (o outcome) String() string {
	return fmt.Sprintf("%s: %v, %.0f s", o.part, o.tally, o.took.Seconds())
}

// runAll runs parts in parallel, except that each waits for the parts in its field after.
// Each part's output is printed in one piece when it ends; that of a single part is
// printed as it comes. The outcomes are in the order of the parts.
func runAll(ctx context.Context, parts []part, out io.Writer) []outcome {
	out = &lockedWriter{to: out}
	programs := installMissing(ctx, out, parts)
	outcomes := make([]outcome, len(parts))
	ended := make([]chan struct{}, len(parts))
	for i := range parts {
		ended[i] = make(chan struct{})
	}
	var running sync.WaitGroup
	for i, p := range parts {
		running.Go(func() {
			defer close(ended[i])
			var failed []string
			for k, other := range parts {
				if slices.Contains(p.after, other.name) {
					<-ended[k]
					if outcomes[k].failed > 0 {
						failed = append(failed, other.name)
					}
				}
			}
			fmt.Fprintf(out, "\n== %s: %s\n", p.name, p.proves)
			if len(parts) == 1 {
				outcomes[i] = p.outcome(job{ctx, out, programs}, failed)
				fmt.Fprintf(out, "-- %v\n", outcomes[i])
				return
			}
			var output bytes.Buffer
			// go test's standard error is copied while its events are printed.
			outcomes[i] = p.outcome(job{ctx, &lockedWriter{to: &output}, programs}, failed)
			fmt.Fprintf(out, "\n-- output of %s:\n%s-- %v\n", p.name, &output, outcomes[i])
		})
	}
	running.Wait()
	return outcomes
}

// lockedWriter is a writer for several goroutines: each Write comes out in one piece.
type lockedWriter struct {
	// mu guards the following field.
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// outcome runs the part, unless parts that it waits for have failed.
func (p part) outcome(j job, failed []string) outcome {
	began := time.Now()
	var t tally
	if len(failed) > 0 {
		t.fail("%s: not tried, since this failed: %s", p.name, strings.Join(failed, ", "))
	} else {
		t = p.run(j)
	}
	return outcome{part: p.name, tally: t, took: time.Since(began)}
}
