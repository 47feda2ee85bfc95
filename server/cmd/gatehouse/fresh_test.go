package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFreshClone builds the program as go build does in a clone in which the client was
// never built. The program must say what to do, and must create no files.
func TestFreshClone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	built, err := filepath.Glob("../../../web/static/dist/[^.]*")
	if err != nil {
		t.Fatal(err)
	}
	hidden := map[string]string{} // files that go build must not see
	for _, file := range built {
		if file, err = filepath.Abs(file); err != nil {
			t.Fatal(err)
		}
		hidden[file] = ""
	}
	overlay, err := json.Marshal(map[string]any{"Replace": hidden})
	if err != nil {
		t.Fatal(err)
	}
	binary, data := filepath.Join(dir, "gatehouse"), filepath.Join(dir, "data")
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w",
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	output, err := exec.CommandContext(t.Context(), binary, "-listen", "127.0.0.1:0", "-data-dir",
		data).CombinedOutput()
	const want = "gatehouse: the browser client is not built in (app.css is missing): run \"make " +
		"build\"\n"
	if err == nil || !strings.HasSuffix(string(output), want) ||
		strings.Count(string(output), "\n") != 1 {
		t.Errorf("it prints %q (%v), want %q", output, err, want)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("it has created a data directory: %v", err)
	}
	if output, err := exec.CommandContext(t.Context(), binary,
		"version").CombinedOutput(); err != nil {
		t.Errorf("version: %v: %s", err, output)
	}
}
