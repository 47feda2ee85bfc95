package main

import (
	"fmt"
	"strings"
)

// tally counts checks: single tests, and checks that are not tests.
type tally struct {
	passed, failed, skipped int
	failures                []string // what, and why
	skips                   []skip
}

// skip is what was left out: a test of a package, or a check without a test.
type skip struct{ what, test, why string }

func (t *tally) pass() { t.passed++ }

func (t *tally) fail(format string, args ...any) {
	t.failed++
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

func (t *tally) skip(s skip) {
	t.skipped++
	t.skips = append(t.skips, s)
}

// takeSkips returns the skips and removes them, for a caller who runs them in another
// way.
func (t *tally) takeSkips() []skip {
	taken := t.skips
	t.skipped, t.skips = 0, nil
	return taken
}

// result counts one check that ends with err.
func (t *tally) result(what string, err error) {
	if err != nil {
		t.fail("%s: %v", what, err)
		return
	}
	t.pass()
}

func (t *tally) add(other tally) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
	t.failures = append(t.failures, other.failures...)
	t.skips = append(t.skips, other.skips...)
}

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

// notes has a line for each failure and skip.
func (t tally) notes() string {
	var b strings.Builder
	for _, f := range t.failures {
		fmt.Fprintf(&b, "failed:  %s\n", f)
	}
	for _, s := range t.skips {
		fmt.Fprintf(&b, "skipped: %s: %s\n", strings.TrimSpace(s.what+" "+s.test), s.why)
	}
	return b.String()
}
