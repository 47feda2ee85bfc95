package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// part is one of the things that are proved, in this order.
type part struct {
	name   string
	proves string
	run    func(context.Context) tally
}

func parts() []part {
	return []part{
		{"modules", "each module is tidy and builds without the workspace", modules},
		{"generated", "generated files are what their sources say", generated},
		{"build", "everything builds, and the client keeps its budget", build},
		{"wasm", "the client is sound under GOOS=js", wasm},
		{"unit", "the tests of every package, with the race detector", unit},
		{"chaos", "the binary loses nothing, whatever goes wrong", chaos},
		{"e2e", "the binary and the client in a real browser", e2e},
		{"interop", "other people's clients and proxies, as the manual says", interop},
	}
}

// everywhere are the packages of all modules, for the go command at the root.
func everywhere() []string {
	return []string{"./server/...", "./shared/...", "./wasm/...", "./web/..."}
}

// command prepares a command that writes to our output; env is NAME=value.
func command(ctx context.Context, dir string, env []string, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	return c
}

func modules(ctx context.Context) (t tally) {
	for _, module := range []string{"shared", "web", "wasm", "server"} {
		env := []string{"GOWORK=off"}
		if module == "wasm" {
			env = append(env, "GOOS=js", "GOARCH=wasm")
		}
		t.result("go mod tidy -diff in "+module, command(ctx, module, env, "go", "mod", "tidy", "-diff").Run())
		t.result("go build ./... in "+module, command(ctx, module, env, "go", "build", "./...").Run())
	}
	return t
}

func build(ctx context.Context) (t tally) {
	t.result("make build", command(ctx, ".", nil, "make", "--no-print-directory", "build").Run())
	return t
}

func wasm(ctx context.Context) (t tally) {
	env := []string{"GOOS=js", "GOARCH=wasm"}
	t.result("go vet under GOOS=js", command(ctx, ".", env, "go", "vet", "./wasm/...").Run())
	return t
}

// unit tests everything but e2e with the race detector. Tests that skip
// themselves there, because it slows them, run once more without it.
func unit(ctx context.Context) (t tally) {
	packages, err := exec.CommandContext(ctx, "go", append([]string{"list"}, everywhere()...)...).Output()
	if err != nil {
		t.fail("go list: %v", err)
		return t
	}
	args := []string{"-count=1", "-timeout=15m"}
	for name := range strings.FieldsSeq(string(packages)) {
		if !strings.Contains(name, "/server/e2e") {
			args = append(args, name)
		}
	}
	if err := compiler().ensure(ctx); err != nil {
		t.skip(skip{what: "the race detector", why: err.Error()})
		t.add(goTest(ctx, nil, args...))
	} else {
		t.add(goTest(ctx, []string{"CGO_ENABLED=1"}, append([]string{"-race"}, args...)...))
		for _, s := range t.takeSkips() {
			test, _, _ := strings.Cut(s.test, "/")
			t.add(goTest(ctx, nil, "-count=1", "-run=^"+test+"$", s.what))
		}
	}
	t.add(goTest(ctx, nil, "-tags=dev", "./server/internal/livereload"))
	return t
}

// binary is what make build makes.
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

// chaos makes a short run of it; make chaos makes a long one.
func chaos(ctx context.Context) (t tally) {
	binary, err := binary()
	if err != nil {
		t.fail("chaos: %v", err)
		return t
	}
	env, args := []string{"E2E_BINARY=" + binary}, []string{"-count=1", "-timeout=10m", "./server/e2e/chaos"}
	if err := compiler().ensure(ctx); err != nil {
		t.skip(skip{what: "the race detector", why: err.Error()})
		t.add(goTest(ctx, env, args...))
		return t
	}
	t.add(goTest(ctx, append(env, "CGO_ENABLED=1"), append([]string{"-race"}, args...)...))
	return t
}

func e2e(ctx context.Context) (t tally) {
	browser := browser()
	if err := browser.ensure(ctx); err != nil {
		t.skip(skip{what: "everything in a browser", why: err.Error()})
		return t
	}
	binary, err := binary()
	if err != nil {
		t.fail("everything in a browser: %v", err)
		return t
	}
	env := []string{"E2E_BINARY=" + binary, "E2E_BROWSER=" + browser.found(ctx), "E2E_PICTURES=" + filepath.Join(filepath.Dir(binary), "pictures")}
	return goTest(ctx, env, "-count=1", "-timeout=15m", "./server/e2e")
}

// wsVersion is the release of Node's ws that is tested.
const wsVersion = "8.23.0"

// interop installs the clients and proxies that are missing. What cannot be
// installed, the tests that need it report as skipped.
func interop(ctx context.Context) (t tally) {
	binary, err := binary()
	if err != nil {
		t.fail("other people's clients and proxies: %v", err)
		return t
	}
	for _, n := range others() {
		if err := n.ensure(ctx); err != nil {
			fmt.Println(err)
		}
	}
	dir, err := os.MkdirTemp("", "gatehouse-interop-")
	if err != nil {
		t.fail("other people's clients and proxies: %v", err)
		return t
	}
	defer os.RemoveAll(dir)
	env := []string{"E2E_BINARY=" + binary, "E2E_BROWSER=" + browser().found(ctx)}
	install := command(ctx, dir, nil, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", dir, "ws@"+wsVersion)
	if err := install.Run(); err != nil {
		fmt.Println("npm install ws:", err)
	} else {
		env = append(env, "E2E_NODE_MODULES="+filepath.Join(dir, "node_modules"))
	}
	return goTest(ctx, env, "-count=1", "-timeout=10m", "./server/e2e/interop", "./server/e2e/proxy")
}
