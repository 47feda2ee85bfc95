package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// lent are the Go files that reach for JavaScript, and are reached, by name.
var lent = []string{"../../../wasm/internal/*/*.go", "../../../shared/clock/*.go"}

// TestClientAndLoaderAgree holds that the loader lends each function that the
// client wants, and calls each that the client offers.
func TestClientAndLoaderAgree(t *testing.T) {
	t.Parallel()
	loader, err := script(filepath.Join("..", "js"))
	if err != nil {
		t.Fatal(err)
	}
	named := func(pattern string, text []byte) (names []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	var source []byte
	for _, pattern := range lent {
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
	wants, lends := named(`(?m)^//go:wasmimport gatehouse (\w+)$`, source), named(`(?m)^    (\w+_\w+): `, loader)
	if len(wants) < 10 || !slices.Equal(wants, lends) {
		t.Errorf("the client wants\n%v, the loader lends\n%v", wants, lends)
	}
	offers, calls := named(`(?m)^//go:wasmexport (\w+)$`, source), named(`client\.(\w+_\w+)`, loader)
	if len(offers) < 5 || !slices.Equal(offers, calls) {
		t.Errorf("the client offers\n%v, the loader calls\n%v", offers, calls)
	}
}
