// Command check proves the tree: modules, generated files, the build with its size
// budget, every test, and the whole gateway in a real browser. `make test` runs it from
// the root of the tree; arguments name single parts. `make lint` runs go vet, so check
// does not.
//
// Parts run in parallel. Programs that they need beyond Go are installed with apt, if
// check runs as root. Otherwise check says what to install, and counts what it had to
// leave out as skipped. With STRICT=1 in the environment, a skip fails the run. The last
// lines are the time and the counts of each part, and then of all of them: N passed, N
// failed, N skipped.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// timeLimit bounds the whole run.
const timeLimit = 40 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	code := run(ctx, os.Args[1:], os.Getenv("STRICT") == "1")
	cancel()
	stop()
	os.Exit(code)
}

func run(ctx context.Context, names []string, strict bool) int {
	chosen, err := choose(names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		return 2
	}
	began := time.Now()
	outcomes := runAll(ctx, chosen, os.Stdout)
	var all tally
	fmt.Println()
	for _, o := range outcomes {
		fmt.Println(o)
		all.add(o.tally)
	}
	fmt.Printf("\n%s", all.notes())
	fmt.Printf("%.0f s\n%v\n", time.Since(began).Seconds(), all)
	if all.failed > 0 || strict && all.skipped > 0 || ctx.Err() != nil {
		return 1
	}
	return 0
}

// choose returns the parts with these names; no names choose all parts.
func choose(names []string) ([]part, error) {
	all := parts()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, p := range all {
		known = append(known, p.name)
	}
	var chosen []part
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q; there are %s", name,
				strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
