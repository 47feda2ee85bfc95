package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	templruntime "github.com/a-h/templ/runtime"
)

// TestTemplatesAreGeneratedAsByTempl checks that the loop writes the files that templ
// generate writes: those in the tree.
func TestTemplatesAreGeneratedAsByTempl(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(filepath.Join("..", "..", "..", "web"))); err != nil {
		t.Fatal(err)
	}
	known, err := filepath.Glob(filepath.Join(root, "*", "*_templ.go"))
	if err != nil || len(known) < 20 {
		t.Fatalf("there are %d generated files, %v", len(known), err)
	}
	want := map[string]string{}
	for _, file := range known {
		want[file] = read(t, file)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := newTemplates(root)
	if err != nil {
		t.Fatal(err)
	}
	if compile, err := pages.generate(); err != nil || !compile {
		t.Fatalf("generate: %v, %v", compile, err)
	}
	for _, file := range known {
		if read(t, file) != want[file] {
			t.Errorf("%s is generated another way than templ generate does", filepath.Base(file))
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTextNeedsNoNewBinary edits a template in several ways.
func TestTextNeedsNoNewBinary(t *testing.T) {
	t.Setenv("TEMPL_DEV_MODE_ROOT", filepath.Join(t.TempDir(), "text"))
	root := t.TempDir()
	file := filepath.Join(root, "page", "a.templ")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	pages, err := newTemplates(root)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(body string) (bool, error) {
		t.Helper()
		text := "package page\n\ntempl A(name string, more bool) {\n" + body + "\n}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pages.changed[file] = true
		compile, err := pages.generate()
		if err == nil && !strings.Contains(read(t, filepath.Join(root, "page", "a_templ.go")), "func A(name string") {
			t.Error("no Go is generated")
		}
		return compile, err
	}
	for _, step := range []struct {
		why, body string
		compile   bool
	}{
		{"the first time", `<p class="a">Hello { name }</p>`, true},
		{"nothing", `<p class="a">Hello { name }</p>`, false},
		{"text and an attribute", `<p class="b c">Good "day"` + "\n\n" + `{ name }</p>`, false},
		{"an expression", `<p class="b c">Good { name + "!" }</p>`, true},
		{"a condition", "if more {\n<p>Good</p>\n}", true},
		{"the condition's text", "if more {\n<p>Better</p>\n}", false},
		{"an else", "if more {\n<p>Better</p>\n} else {\n<p>Good</p>\n}", true},
	} {
		if compile, err := edit(step.body); err != nil || compile != step.compile {
			t.Errorf("%s: needs a binary: %v, want %v (%v)", step.why, compile, step.compile, err)
		}
	}
	if err := pages.publish(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, templruntime.GetDevModeTextFileName(file)); got != "<p>Better</p>\n<p>Good</p>" {
		t.Errorf("the text of the gateway is %q", got)
	}
	if _, err := edit(`<p`); err == nil || !strings.Contains(err.Error(), "a.templ") || len(pages.texts) > 0 {
		t.Errorf("a broken template: %v, texts %v", err, pages.texts)
	}
	if !slices.Contains(slices.Collect(maps.Keys(pages.changed)), file) {
		t.Error("a broken template is not tried again")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if compile, err := pages.generate(); err != nil || !compile || len(pages.changed) > 0 {
		t.Errorf("a template that is gone: %v, %v", compile, err)
	}
	if _, err := os.Stat(filepath.Join(root, "page", "a_templ.go")); !os.IsNotExist(err) {
		t.Errorf("its Go is still there: %v", err)
	}
}
