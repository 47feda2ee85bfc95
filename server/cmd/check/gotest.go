package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// goTest runs go test. It prints a line for each package, and the output of failed tests.
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
	t = readEvents(events, j.out)
	err = c.Wait()
	switch {
	case err != nil && t.failed == 0:
		t.fail("go test: %v", err)
	case t.passed+t.failed+t.skipped == 0:
		t.fail("go test %s: there is no test", strings.Join(args, " "))
	}
	return t
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// results follows the events of packages that are tested in parallel.
type results struct {
	tally
	out            io.Writer
	output         map[event]*strings.Builder // of a test so far, by package and test
	failedPackages map[string]bool            // packages in which a test failed
}

// readEvents counts tests, without their subtests, and prints what a reader has to know.
func readEvents(events io.Reader, out io.Writer) tally {
	r := results{out: out, output: map[event]*strings.Builder{}, failedPackages: map[string]bool{}}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
			r.handle(e)
		} else {
			fmt.Fprint(out, line)
		}
		if err != nil {
			return r.tally
		}
	}
}

func (r *results) handle(e event) {
	key := event{Package: e.Package, Test: e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if strings.HasPrefix(e.Output, "=== ") {
			return
		}
		if r.output[key] == nil {
			r.output[key] = &strings.Builder{}
		}
		r.output[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		output := ""
		if b := r.output[key]; b != nil {
			output = b.String()
		}
		delete(r.output, key)
		if e.Test == "" {
			r.endPackage(e, output)
		} else {
			r.endTest(e, output)
		}
	}
}

func (r *results) endTest(e event, output string) {
	top := !strings.Contains(e.Test, "/")
	switch {
	case e.Action == "fail":
		fmt.Fprint(r.out, output)
		r.failedPackages[e.Package] = true
		if top {
			r.fail("%s %s", e.Package, e.Test)
		}
	case e.Action == "skip":
		r.skip(skip{e.Package, e.Test, skipReason(output)})
	case top:
		r.pass()
	}
}

// endPackage prints the line that go test prints for a package; of a package that has
// failed, all its output.
func (r *results) endPackage(e event, output string) {
	if e.Action == "fail" {
		fmt.Fprint(r.out, output)
		if !r.failedPackages[e.Package] {
			r.fail("%s", e.Package)
		}
		return
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// skipReason returns the reason that a skipped test gave.
func skipReason(output string) string {
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}
