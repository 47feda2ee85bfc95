package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// goTest runs go test and prints a line for each package, and all that failed.
func goTest(j job, env []string, args ...string) (t tally) {
	c := j.command(".", env, "go", append([]string{"test", "-json", "-vet=off"}, args...)...)
	c.Stdout = nil
	events, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.fail("go test: %v", err)
		return t
	}
	t = read(events, j.out)
	err = c.Wait()
	switch {
	case err != nil && t.failed == 0:
		t.fail("go test: %v", err)
	case t.passed+t.failed+t.skipped == 0:
		t.fail("go test %s: there is no test", strings.Join(args, " "))
	}
	return t
}

// event is what go test -json writes (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// results follows the events of packages that are tested side by side.
type results struct {
	tally
	out  io.Writer
	said map[event]*strings.Builder // by package and test: its output
	bad  map[string]bool            // packages in which a test failed
}

// read counts tests, without their subtests, and prints what a reader has to know.
func read(events io.Reader, out io.Writer) tally {
	r := results{out: out, said: map[event]*strings.Builder{}, bad: map[string]bool{}}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
			r.take(e)
		} else {
			fmt.Fprint(out, line)
		}
		if err != nil {
			return r.tally
		}
	}
}

func (r *results) take(e event) {
	key := event{Package: e.Package, Test: e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if strings.HasPrefix(e.Output, "=== ") {
			return
		}
		if r.said[key] == nil {
			r.said[key] = &strings.Builder{}
		}
		r.said[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		said := ""
		if b := r.said[key]; b != nil {
			said = b.String()
		}
		delete(r.said, key)
		if e.Test == "" {
			r.endPackage(e, said)
		} else {
			r.endTest(e, said)
		}
	}
}

func (r *results) endTest(e event, said string) {
	top := !strings.Contains(e.Test, "/")
	switch {
	case e.Action == "fail":
		fmt.Fprint(r.out, said)
		r.bad[e.Package] = true
		if top {
			r.fail("%s %s", e.Package, e.Test)
		}
	case e.Action == "skip":
		r.skip(skip{e.Package, e.Test, reason(said)})
	case top:
		r.pass()
	}
}

// endPackage prints the line that go test prints for a package, and everything
// that it said when it failed.
func (r *results) endPackage(e event, said string) {
	if e.Action == "fail" {
		fmt.Fprint(r.out, said)
		if !r.bad[e.Package] {
			r.fail("%s", e.Package)
		}
		return
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "ok ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// reason finds what a skipped test gave as its reason.
func reason(said string) string {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}
