package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const events = `{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestGood/sub"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestBad/sub","Output":"    p_test.go:3: it broke\n"}
{"Action":"fail","Package":"p","Test":"TestBad/sub"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Test":"TestNot","Output":"=== RUN   TestNot\n"}
{"Action":"output","Package":"p","Test":"TestNot","Output":"    p_test.go:9: no network here\n"}
{"Action":"output","Package":"p","Test":"TestNot","Output":"--- SKIP: TestNot (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestNot"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
{"ImportPath":"r","Action":"build-output","Output":"r.go:1:1: undefined: x\n"}
{"ImportPath":"r","Action":"build-fail"}
{"Action":"output","Package":"r","Output":"FAIL\tr [build failed]\n"}
{"Action":"fail","Package":"r"}
{"Action":"output","Package":"s","Output":"?   \ts\t[no test files]\n"}
{"Action":"skip","Package":"s"}
go: something else
`

func TestReadCounts(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	got := readEvents(strings.NewReader(events), &out)
	if got.String() != "1 passed, 2 failed, 1 skipped" {
		t.Errorf("counted %v", got)
	}
	const want = "failed:  p TestBad\nfailed:  r\nskipped: p TestNot: p_test.go:9: no network here\n"
	if got.notes() != want {
		t.Errorf("notes:\n%swant:\n%s", got.notes(), want)
	}
	for _, line := range []string{"it broke", "FAIL\tp\t0.1s", "ok  \tq", "r.go:1:1: undefined: x", "[build failed]", "go: something else"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not printed", line)
		}
	}
	for _, line := range []string{"noise", "no test files"} {
		if strings.Contains(out.String(), line) {
			t.Errorf("%q is printed", line)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all, err := choose(nil)
	if err != nil || len(all) != len(parts()) {
		t.Errorf("without names: %d parts, %v", len(all), err)
	}
	two, err := choose([]string{"e2e", "unit"})
	if err != nil || len(two) != 2 || two[0].name != "e2e" || two[1].name != "unit" {
		t.Errorf("choose(e2e, unit) = %v, %v", two, err)
	}
	if _, err := choose([]string{"units"}); err == nil || !strings.Contains(err.Error(), "build, modules, generated") {
		t.Errorf("an unknown part: %v", err)
	}
}

func TestUnchangedNamesWhatChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
	}
	if err := errors.Join(write("same", "1"), write("other", "1"), write("gone", "1")); err != nil {
		t.Fatal(err)
	}
	if err := checkUnchanged(dir, func() error { return write("same", "1") }); err != nil {
		t.Errorf("nothing changed: %v", err)
	}
	err := checkUnchanged(dir, func() error {
		return errors.Join(write("other", "2"), write("new", "1"),
			os.Remove(filepath.Join(dir, "gone")))
	})
	if err == nil || !strings.Contains(err.Error(), `["gone" "new" "other"]`) {
		t.Errorf("three files changed: %v", err)
	}
	broken := errors.New("broken")
	if err := checkUnchanged(dir, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a failed generator: %v", err)
	}
}

func TestCopyTreeTakesWhatGitTakes(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", from).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	for name, content := range map[string]string{".gitignore": "ignored\n", "ignored": "1", "taken": "1"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	files, err := hashFiles(to)
	if _, ignored := files["ignored"]; err != nil || len(files) != 2 || ignored {
		t.Errorf("copied %d files, the ignored one: %v, %v", len(files), ignored, err)
	}
}

func TestNeedFound(t *testing.T) {
	t.Parallel()
	// go has no --version, so it counts as a command that does not run.
	if got := (need{commands: []string{"no-such-command", "go", "git"}}).found(t.Context()); filepath.Base(got) != "git" {
		t.Errorf("found %q, want git", got)
	}
	if got := (need{commands: []string{"no-such-command"}}).found(t.Context()); got != "" {
		t.Errorf("found %q", got)
	}
}

// TestPartsWaitForWhatTheyUse runs parts one of which takes an hour and one of which
// fails.
func TestPartsWaitForWhatTheyUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		passes := func(after, takes time.Duration) func(job) tally {
			return func(j job) (got tally) {
				if at := time.Since(begin); at != after {
					t.Errorf("begun after %v, want %v", at, after)
				}
				fmt.Fprintln(j.out, "words")
				time.Sleep(takes)
				got.pass()
				return got
			}
		}
		fails := func(job) (got tally) { got.fail("broken"); return got }
		never := func(job) (got tally) { t.Error("a part runs on what has failed"); return got }
		var out strings.Builder
		outcomes := runAll(t.Context(), []part{
			{name: "last", after: []string{"first", "other", "not chosen"},
				run: passes(time.Hour, time.Minute)},
			{name: "first", run: passes(0, time.Hour)},
			{name: "other", run: passes(0, time.Minute)},
			{name: "bad", run: fails},
			{name: "worse", after: []string{"bad", "first"}, run: never},
		}, &out)
		var got []string
		for _, o := range outcomes {
			got = append(got, o.String())
		}
		want := []string{
			"last: 1 passed, 0 failed, 0 skipped, 60 s", "first: 1 passed, 0 failed, 0 skipped, 3600 s",
			"other: 1 passed, 0 failed, 0 skipped, 60 s", "bad: 0 passed, 1 failed, 0 skipped, 0 s", "worse: 0 passed, 1 failed, 0 skipped, 0 s",
		}
		if !slices.Equal(got, want) {
			t.Errorf("outcomes are\n%q, want\n%q", got, want)
		}
		if n := strings.Count(out.String(), "words\n-- "); n != 3 {
			t.Errorf("%d parts have their output before their outcome:\n%s", n, &out)
		}
		if notes := outcomes[4].notes(); !strings.Contains(notes, "this failed: bad\n") {
			t.Errorf("what was not tried is said so: %s", notes)
		}
	})
}

func TestEveryPartNamesKnownParts(t *testing.T) {
	t.Parallel()
	var before []string
	for _, p := range parts() {
		for _, name := range p.after {
			if !slices.Contains(before, name) {
				t.Errorf("%s runs after %s, which is not among the parts before it", p.name, name)
			}
		}
		before = append(before, p.name)
	}
}

func TestEveryPackageIsTestedOnce(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"m/server/e2e": true, "m/server/e2e/chaos": true, "m/server/e2e/firefox": true, "m/server/e2e/interop": true, "m/server/e2e/proxy": true, "m/server/cmd/dev/gosec": true,
		"m/server/e2e/acme": false, "m/server/e2e/webhook": false, "m/server/internal/app": false, "m/server/cmd/dev": false,
	} {
		if hasOwnPart(name) != want {
			t.Errorf("elsewhere(%s) = %v", name, !want)
		}
	}
}

// TestModulesAreThoseOfTheWorkspace checks that no module is left out.
func TestModulesAreThoseOfTheWorkspace(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}")
	list.Dir = filepath.Join("..", "..", "..")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	root, err := filepath.Abs(list.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for dir := range strings.FieldsSeq(string(out)) {
		name, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, filepath.ToSlash(name))
	}
	if checked := slices.Sorted(slices.Values(allModules())); !slices.Equal(checked, slices.Sorted(slices.Values(known))) {
		t.Errorf("checked are %v, the workspace has %v", checked, known)
	}
}

// TestInstall has an apt-get that cannot install the package bad, and that writes down
// its arguments.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	script := "#!/bin/sh\necho \"$1 $(echo \"$@\" | tr ' ' '\\n' | grep -v ^- | tail -n +2 | tr '\\n' ' ')\" >> " + asked +
		"\ncase \"$*\" in *bad*) echo no such package; exit 100;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	one, two := need{name: "One", packages: []string{"one", "other"}}, need{name: "Two",
		packages: []string{"two"}}
	bad := need{name: "Bad", packages: []string{"bad"}}
	for _, row := range []struct {
		missing []need
		asked   string
		failed  []string
	}{
		{[]need{one, two}, "update\ninstall one other two\n", nil},
		{[]need{one, bad}, "update\ninstall one other bad\ninstall one other\ninstall bad\n",
			[]string{"Bad"}},
	} {
		var out strings.Builder
		failed := install(t.Context(), &out, row.missing)
		text, err := os.ReadFile(asked)
		if got := strings.ReplaceAll(string(text), " \n", "\n"); err != nil || got != row.asked {
			t.Errorf("apt-get is asked %q, want %q (%v)", got, row.asked, err)
		}
		if got := slices.Sorted(maps.Keys(failed)); !slices.Equal(got, row.failed) {
			t.Errorf("not installed are %q, want %q", got, row.failed)
		}
		for name, err := range failed {
			if !strings.Contains(err.Error(), "no such package") {
				t.Errorf("%s: the error hides what apt-get says: %v", name, err)
			}
		}
		if err := os.Remove(asked); err != nil {
			t.Fatal(err)
		}
	}
}

// Lines that a part prints while a command of its own may still write are all shown.
func TestOutputOfAPartIsWhole(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	printing := func(j job) (counts tally) {
		c := j.command(".", nil, "sh", "-c", "echo event; read wait; echo warning >&2")
		c.Stdout = nil
		events, err := c.StdoutPipe()
		if err != nil {
			t.Error(err)
			return counts
		}
		end, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Error(err)
			return counts
		}
		line, err := bufio.NewReader(events).ReadString('\n')
		fmt.Fprint(j.out, "printed after ", line)
		counts.result("the end", errors.Join(err, end.Close(), c.Wait()))
		return counts
	}
	runAll(t.Context(), []part{{name: "one", run: printing}, {name: "two", run: printing}}, &out)
	for _, want := range []string{"printed after event\n", "warning\n"} {
		if n := strings.Count(out.String(), want); n != 2 {
			t.Errorf("%q is shown %d times, want twice:\n%s", want, n, &out)
		}
	}
}
