package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// clientFiles are the Go files that import functions from JavaScript and export others.
var clientFiles = []string{"../../../wasm/internal/*/*.go", "../../../shared/clock/*.go"}

// TestClientAndLoaderAgree checks that the loader provides exactly the functions that the
// client imports, and calls exactly those that the client exports.
func TestClientAndLoaderAgree(t *testing.T) {
	t.Parallel()
	loader, err := joinScripts(filepath.Join("..", "js"))
	if err != nil {
		t.Fatal(err)
	}
	namesIn := func(pattern string, text []byte) (names []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	var source []byte
	for _, pattern := range clientFiles {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, text...)
		}
	}
	imported, provided := namesIn(`(?m)^//go:wasmimport gatehouse (\w+)$`, source), namesIn(`(?m)^    (\w+_\w+): `, loader)
	if len(imported) < 10 || !slices.Equal(imported, provided) {
		t.Errorf("the client imports\n%v, the loader provides\n%v", imported, provided)
	}
	exported, called := namesIn(`(?m)^//go:wasmexport (\w+)$`, source), namesIn(`client\.(\w+_\w+)`, loader)
	if len(exported) < 5 || !slices.Equal(exported, called) {
		t.Errorf("the client exports\n%v, the loader calls\n%v", exported, called)
	}
}
