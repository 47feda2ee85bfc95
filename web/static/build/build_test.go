package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return strings.Join(all, " ")
}

func TestBundleKeepsTheOrderOfTheIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "index.css", "/* order\n @import \"no.css\"; */\n@import \"z.css\";\n\n@import \"a-1.css\";\n")
	put(t, dir, "z.css", "z { }\n\n")
	put(t, dir, "a-1.css", "a { }")
	got, err := bundleStyles(dir)
	if err != nil || string(got) != "z { }\na { }\n" {
		t.Errorf("bundle = %q, %v", got, err)
	}
}

func TestBundleRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ index, want string }{
		{`@import "a.css";` + "\n" + `@import "b.css";` + "\nbody { }", "body { }"},
		{`@import "a.css";` + "\n" + `@import "a.css";`, "a.css twice"},
		{`@import "a.css";`, "does not import b.css"},
		{`@import "a.css";` + "\n" + `@import "c.css";`, "c.css"},
		{`@import "../a.css";`, "not understood"},
		{`@import "index.css";`, "index.css twice"},
	} {
		dir := t.TempDir()
		put(t, dir, "index.css", c.index)
		put(t, dir, "a.css", "a { }")
		put(t, dir, "b.css", "b { }")
		if _, err := bundleStyles(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("bundle of %q: %v, want it to tell %q", c.index, err, c.want)
		}
	}
}

func TestScriptEndsWithTheLoader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "boot.js", "boot;\n")
	put(t, dir, "storage.js", "storage;\n")
	put(t, dir, "a.js", "a;\n")
	got, err := joinScripts(dir)
	if err != nil || string(got) != "a;\nstorage;\nboot;\n" {
		t.Errorf("script = %q, %v", got, err)
	}
	if _, err := joinScripts(t.TempDir()); err == nil {
		t.Error("without boot.js it does not fail")
	}
}

func TestServedNameFollowsTheContent(t *testing.T) {
	t.Parallel()
	// printf abc | sha256sum: ba7816bf8f01…
	if got := (asset{"wasm_exec.js", []byte("abc")}).servedName(); got != "wasm_exec.ba7816bf8f.js" {
		t.Errorf("served = %q", got)
	}
}

func TestFormsUnpackToTheContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := asset{"a.css", bytes.Repeat([]byte("body { margin: 0 }\n"), 100)}
	if err := a.write(io.Discard, dir, false); err != nil {
		t.Fatal(err)
	}
	for ext, reader := range map[string]func(io.Reader) (io.Reader, error){
		"":    func(r io.Reader) (io.Reader, error) { return r, nil },
		".gz": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		".br": func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	} {
		packed, err := os.Open(filepath.Join(dir, a.servedName()+ext))
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		r, err := reader(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, a.content) {
			t.Errorf("%q unpacks to %d bytes (%v), want %d", ext, len(got), err, len(a.content))
		}
	}
}

func TestLargerCompressedFormsAreNotWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := asset{"a.css", []byte("a")}
	if err := a.write(io.Discard, dir, false); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != a.servedName() {
		t.Errorf("dist has %q", got)
	}
}

func TestUnchangedFilesAreNotRewritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := asset{"a.css", bytes.Repeat([]byte("a"), 1000)}
	before := time.Unix(1000, 0)
	write := func(fast bool) {
		t.Helper()
		if err := a.write(io.Discard, dir, fast); err != nil {
			t.Fatal(err)
		}
	}
	untouched := func() bool {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, a.servedName()))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime().Equal(before)
	}
	age := func() {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, a.servedName()), before, before); err != nil {
			t.Fatal(err)
		}
	}
	write(true)
	age()
	if write(true); !untouched() {
		t.Error("the second fast build wrote again")
	}
	if write(false); untouched() || !exists(filepath.Join(dir, a.servedName()+".br")) {
		t.Error("a full build after a fast one did not compress")
	}
	age()
	if write(false); !untouched() {
		t.Error("the second full build wrote again")
	}
}

func TestPruneKeepsCurrentFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := asset{"a.css", bytes.Repeat([]byte("a"), 1000)}
	if err := a.write(io.Discard, dir, false); err != nil {
		t.Fatal(err)
	}
	current := names(t, dir)
	for _, old := range []string{"a.0123456789.css", "a.0123456789.css.br", ".half-1", "app.wasm"} {
		put(t, dir, old, "old")
	}
	put(t, dir, ".gitkeep", "")
	if err := prune(dir, []asset{a}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != ".gitkeep "+current {
		t.Errorf("dist has %q, want .gitkeep and %q", got, current)
	}
}

func TestReportChecksTheBudget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	packed, plain := asset{"app.wasm", bytes.Repeat([]byte("a"), 1000)}, asset{"b.js", bytes.Repeat([]byte("b"), 300)}
	put(t, dir, packed.servedName()+".br", strings.Repeat("x", 100))
	put(t, dir, packed.servedName()+".gz", strings.Repeat("x", 150))
	var out bytes.Buffer
	if err := report(&out, dir, []asset{packed, plain}, &budget{gzip: 150, brotli: 100}); err != nil {
		t.Errorf("at its budget: %v", err)
	}
	for _, want := range []string{"app.wasm", "1.0 kB", "together", "1.3 kB", "0.5 kB", "0.4 kB"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	for _, c := range []struct {
		limit *budget
		want  string
	}{
		{&budget{gzip: 150, brotli: 99}, "with brotli app.wasm weighs 100 bytes, 1 more than its budget of 99"},
		{&budget{gzip: 147, brotli: 100}, "with gzip app.wasm weighs 150 bytes, 3 more than its budget of 147"},
		{&budget{gzip: 149, brotli: 99}, "149\nwith brotli"},
		{nil, ""},
	} {
		switch err := report(io.Discard, dir, []asset{packed, plain}, c.limit); {
		case err == nil && c.want != "", err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("over the budget %+v: %v, want %q", c.limit, err, c.want)
		}
	}
}
