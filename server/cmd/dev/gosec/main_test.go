package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a module with these files and goes there.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	t.Chdir(dir)
}

func TestCheckFinds(t *testing.T) {
	const weak = "package a\n\nimport \"crypto/md5\"\n\nvar Sum = md5.Sum(nil)\n"
	const unsafely = "package protocol\n\nimport \"unsafe\"\n\nfunc F(b []byte) *int { return (*int)(unsafe.Pointer(&b[0])) }\n"
	tree(t, map[string]string{
		"server/internal/a/a.go":     weak,
		"server/internal/a/fine.go":  "package a\n\nvar Fine = 1\n",
		"server/e2e/a/a.go":          weak,
		"server/internal/atest/a.go": weak,
		"server/cmd/dev/a/a.go":      weak,
		"shared/protocol/codec.go":   unsafely,
		"shared/protocol/other.go":   strings.ReplaceAll(unsafely, "F", "G"),
	})
	found, err := check([]string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range found {
		dir, file := filepath.Split(i.File)
		got[i.RuleID] += filepath.Base(dir) + "/" + file + " "
	}
	for rule, want := range map[string]string{"G401": "a/a.go ", "G103": "protocol/other.go "} {
		if got[rule] != want {
			t.Errorf("%s is found in %q, want %q", rule, got[rule], want)
		}
	}
}

func TestCheckFailsOnWhatItCannotLoad(t *testing.T) {
	tree(t, map[string]string{"a/a.go": "package a\n\nvar A = nothing\n"})
	if found, err := check([]string{"./..."}); err == nil {
		t.Errorf("a package that does not compile: %v", found)
	}
	if _, err := check([]string{"./none/..."}); err == nil {
		t.Error("no packages are fine")
	}
}
