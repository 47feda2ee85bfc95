package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// parts returns all parts. A part comes after those that it waits for.
func parts() []part {
	built := []string{"build"}
	return []part{
		{name: "build", proves: "everything builds, and the client keeps its budget", run: build},
		{name: "modules", proves: "each module is tidy and builds without the workspace",
			after: built, run: modules},
		{name: "generated", proves: "generated files are what their sources say", after: built,
			run: generated},
		{name: "wasm", proves: "go vet finds nothing in the client", after: built, run: wasm},
		{name: "unit", proves: "the tests of every package, with the race detector", after: built,
			needs: []need{compiler()}, run: unit},
		{name: "chaos", proves: "the binary loses nothing, whatever goes wrong", after: built,
			needs: []need{compiler()}, run: chaos},
		{name: "e2e", proves: "the binary and the client in a real browser", after: built,
			needs: []need{browser()}, run: e2e},
		{name: "interop", proves: "other people's clients and proxies, as the manual says",
			after: built, needs: foreignPrograms(), run: interop},
	}
}

// command prepares a command that writes to the part's output. env has entries
// NAME=value.
func (j job) command(dir string, env []string, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(j, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = j.out, j.out
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	return c
}

// allModules returns the directories of the modules.
func allModules() []string {
	return []string{"shared", "web", "web/static/build", "wasm", "server",
		"server/cmd/dev", "server/e2e"}
}

// clientEnv is the environment for packages of the client. The flags are those of the
// client's build (see compile in web/static/build), so that both share the build cache.
func clientEnv() []string {
	return []string{"GOOS=js", "GOARCH=wasm", "GOFLAGS=" +
		strings.TrimSpace(os.Getenv("GOFLAGS")+" -gcflags=all=-l")}
}

func modules(j job) (t tally) {
	for _, module := range allModules() {
		env := []string{"GOWORK=off"}
		if module == "wasm" {
			env = append(env, clientEnv()...)
		}
		t.result("go mod tidy -diff in "+module,
			j.command(module, env, "go", "mod", "tidy", "-diff").Run())
		t.result("go build ./... in "+module,
			j.command(module, env, "go", "build", "-o", os.DevNull, "./...").Run())
	}
	return t
}

func build(j job) (t tally) {
	t.result("make build", j.command(".", nil, "make", "--no-print-directory", "build").Run())
	return t
}

func wasm(j job) (t tally) {
	t.result("go vet under GOOS=js", j.command(".", clientEnv(), "go", "vet", "./wasm/...").Run())
	return t
}

// linter is the package that is tested without the race detector: compiling its libraries
// for that takes longer than all of its tests.
const linter = "server/cmd/dev/gosec"

// hasOwnPart reports whether the tests of a package belong to another part than unit, or
// run with other flags.
func hasOwnPart(name string) bool {
	for _, tests := range []string{"server/e2e", "server/e2e/chaos", "server/e2e/firefox",
		"server/e2e/interop", "server/e2e/proxy", linter} {
		if strings.HasSuffix(name, "/"+tests) {
			return true
		}
	}
	return false
}

// raceFlags instrument everything but the C code of SQLite, translated to Go, for the race
// detector. Instrumented, SQLite takes three times as long; that package starts no
// goroutine and is not ours. Its callers, database/sql among them, are instrumented.
//
// No package that instantiates generic code of the standard library may be left out:
// the linker keeps one copy of, say, sync.Map's methods, and if that is one without
// instrumentation, the detector reports races that are none.
func raceFlags() []string {
	return []string{"-race", "-gcflags=modernc.org/sqlite/lib=-race=false"}
}

// unit tests every package that has no part of its own, with the race detector. Tests
// that skip themselves under the race detector, since it slows them, run again without
// it.
func unit(j job) (t tally) {
	packages, err := exec.CommandContext(j, "go", "list", "work").Output()
	if err != nil {
		t.fail("go list: %v", err)
		return t
	}
	// Three packages at a time on two processors: many tests do not wait for one, and the
	// browsers of other parts need some.
	args := []string{"-count=1", "-timeout=15m", "-p=3"}
	for name := range strings.FieldsSeq(string(packages)) {
		if !hasOwnPart(name) {
			args = append(args, name)
		}
	}
	if err := j.programs.missingError(compiler()); err != nil {
		t.skip(skip{what: "the race detector", why: err.Error()})
		t.add(goTest(j, nil, args...))
	} else {
		t.add(goTest(j, []string{"CGO_ENABLED=1"}, append(raceFlags(), args...)...))
		for _, s := range t.takeSkips() {
			test, _, _ := strings.Cut(s.test, "/")
			t.add(goTest(j, nil, "-count=1", "-run=^"+test+"$", s.what))
		}
	}
	t.add(goTest(j, nil, "-count=1", "./"+linter))
	t.add(goTest(j, nil, "-count=1", "-tags=dev", "./server/internal/livereload"))
	return t
}

// binary returns the path of the binary that make build makes.
func binary() (string, error) {
	path, err := filepath.Abs(filepath.Join("bin", "gatehouse"))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", fmt.Errorf("%w: run make build", err)
	}
	return path, nil
}

// chaos makes a short chaos run; make chaos makes a long one.
func chaos(j job) (t tally) {
	binary, err := binary()
	if err != nil {
		t.fail("chaos: %v", err)
		return t
	}
	env, args := []string{"E2E_BINARY=" + binary}, []string{"-count=1", "-timeout=10m",
		"./server/e2e/chaos"}
	if err := j.programs.missingError(compiler()); err != nil {
		t.skip(skip{what: "the race detector", why: err.Error()})
		t.add(goTest(j, env, args...))
		return t
	}
	t.add(goTest(j, append(env, "CGO_ENABLED=1"), append(raceFlags(), args...)...))
	return t
}

func e2e(j job) (t tally) {
	browser := browser()
	if err := j.programs.missingError(browser); err != nil {
		t.skip(skip{what: "everything in a browser", why: err.Error()})
		return t
	}
	binary, err := binary()
	if err != nil {
		t.fail("everything in a browser: %v", err)
		return t
	}
	env := []string{"E2E_BINARY=" + binary, "E2E_BROWSER=" + browser.found(j), "E2E_PICTURES=" +
		filepath.Join(filepath.Dir(binary), "pictures")}
	// The tests mostly wait for pages, so more of them than there are processors can run
	// at once.
	return goTest(j, env, "-count=1", "-timeout=15m", "-parallel=4", "./server/e2e")
}

// The releases of packages for Node that the tests use.
const (
	wsVersion  = "8.23.0"
	axeVersion = "4.14.1"
)

// interop installs the clients and proxies that are missing. Tests are skipped when what
// they need cannot be installed.
func interop(j job) (t tally) {
	binary, err := binary()
	if err != nil {
		t.fail("other people's clients and proxies: %v", err)
		return t
	}
	for _, n := range foreignPrograms() {
		if err := j.programs.missingError(n); err != nil {
			fmt.Fprintln(j.out, err)
		}
	}
	dir, err := os.MkdirTemp("", "gatehouse-interop-")
	if err != nil {
		t.fail("other people's clients and proxies: %v", err)
		return t
	}
	defer os.RemoveAll(dir)
	env := []string{"E2E_BINARY=" + binary, "E2E_BROWSER=" + browser().found(j)}
	install := j.command(dir, nil, "npm", "install", "--no-save", "--no-audit", "--no-fund",
		"--prefix", dir, "ws@"+wsVersion, "axe-core@"+axeVersion)
	if err := install.Run(); err != nil {
		fmt.Fprintln(j.out, "npm install:", err)
	} else {
		env = append(env, "E2E_NODE_MODULES="+filepath.Join(dir, "node_modules"))
	}
	return goTest(j, env, "-count=1", "-timeout=15m", "./server/e2e/firefox", "./server/e2e/interop",
		"./server/e2e/proxy")
}
