package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitLimit bounds every wait for the file system and for processes.
const waitLimit = 20 * time.Second

// TestMain lets the test's binary also be the gateway that the loop runs: it writes its
// build into the file that its argument names, and stops when asked.
func TestMain(m *testing.M) {
	build := os.Getenv("LIVERELOAD_BUILD")
	if build == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := os.WriteFile(os.Args[1], []byte(build), 0o600); err != nil {
		panic(err)
	}
	<-ctx.Done()
}

func TestReach(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]reach{
		"web/page/chat.templ":                     markup,
		"web/page/chat_templ.go":                  none,
		"web/page/page.go":                        gateway,
		"web/static/serve.go":                     gateway,
		"web/static/css/tokens.css":               style,
		"web/static/js/boot.js":                   client,
		"web/static/icons/favicon.svg":            client,
		"web/static/build/main.go":                client,
		"web/static/dist/app.0123456789.css":      none,
		"wasm/internal/view/chat.go":              client,
		"wasm/internal/view/chat_test.go":         none,
		"shared/protocol/chat.go":                 client | gateway,
		"server/internal/app/app.go":              gateway,
		"server/internal/agent/builtin/a/help.md": gateway,
		"server/internal/app/app_test.go":         none,
		"server/internal/app/.app.go.swp":         none,
		"server/internal/app/app.go~":             none,
		"server/cmd/dev/loop.go":                  none,
		"":                                        none,
	} {
		if got := reachOf(file); got != want {
			t.Errorf("reachOf(%q) = %b, want %b", file, got, want)
		}
	}
}

// awaitChange waits for the change of a file.
func awaitChange(t *testing.T, tr *tree, want string) {
	t.Helper()
	late := time.After(waitLimit)
	for {
		select {
		case event := <-tr.watcher.Events:
			got, err := tr.changed(event)
			if err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
		case <-late:
			t.Fatalf("no change of %s was seen", want)
		}
	}
}

func TestTreeSeesWhatIsBelow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	below := filepath.Join(root, "web", "page")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	tr, err := watch(root, "web")
	if err != nil {
		t.Fatal(err)
	}
	defer tr.watcher.Close()
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(below, "chat.templ"))
	awaitChange(t, tr, "web/page/chat.templ")
	if err := os.Mkdir(filepath.Join(below, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, tr, "web/page/new")
	write(filepath.Join(below, "new", "a.go"))
	awaitChange(t, tr, "web/page/new/a.go")
	if err := os.Remove(filepath.Join(below, "chat.templ")); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, tr, "web/page/chat.templ")
}

func TestWatchOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := watch(t.TempDir(), "web"); err == nil {
		t.Error("a directory that is not there is watched")
	}
}

func TestProcessIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tr, err := watch(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	defer tr.watcher.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	buildFile := filepath.Join(dir, "told")
	p := process{binary: self, args: []string{buildFile}}
	defer p.stop()
	start := func(build string) *exec.Cmd {
		t.Helper()
		if err := p.restart(build); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != build; {
			awaitChange(t, tr, "told")
			content, err := os.ReadFile(buildFile)
			if err != nil {
				t.Fatal(err)
			}
			got = string(content)
		}
		return p.running
	}
	first := start("1.0")
	second := start("2.0")
	if first.ProcessState == nil || first.ProcessState.ExitCode() != 0 {
		t.Errorf("the process before ended with %v, not in order", first.ProcessState)
	}
	if err := second.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.noteExit(<-p.exited())
	start("3.0")
}

func TestFailedBuildKeepsWhatRuns(t *testing.T) {
	t.Parallel()
	running := &exec.Cmd{}
	l := loop{process: process{binary: filepath.Join(t.TempDir(), "missing"), running: running}}
	l.noteChange("server/internal/app/app.go")
	// There is no ./server/cmd/gatehouse below this directory.
	l.build(t.Context())
	if l.process.running != running || l.dirty != gateway {
		t.Errorf("after a failed build: running %p, dirty %b", l.process.running, l.dirty)
	}
}

func TestBuildsAreNamedByWhatChanged(t *testing.T) {
	t.Parallel()
	name := func(files ...string) string {
		l := loop{page: 7, style: 3, templates: &templates{changed: map[string]bool{}}}
		for _, file := range files {
			l.noteChange(file)
		}
		l.nextVersion()
		return fmt.Sprintf("%d.%d", l.page, l.style)
	}
	for want, files := range map[string]string{
		"7.4":  "web/static/css/a.css",
		"8.3":  "server/a.go web/static/css/a.css",
		"8.3 ": "web/page/a.templ web/static/css/a.css",
	} {
		if got := name(strings.Fields(files)...); got != strings.TrimSpace(want) {
			t.Errorf("%s: %s, want %s", files, got, want)
		}
	}
}
