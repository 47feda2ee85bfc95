package main

import (
	"strings"
	"testing"
)

func TestNamesInTraces(t *testing.T) {
	t.Parallel()
	module, _ := small()
	s, err := readSymbols(module())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"    at https://a.example/static/" + s.served[0] + ":wasm-function[1]:0x20", "main.main main.go:5"},
		{"    at wasm://wasm/00ab12cd:wasm-function[2]:0x25", "runtime.f main.go:5"},
		{"wasm-function[0]", "js.f (imported)"},
		{"wasm-function[3]", unknown},
		{"wasm-function[18446744073709551615] wasm-function[18446744073709551616]", unknown},
		{"	?:0 +0x2 fp=0x10 sp=0x8 pc=0x10000002", "main.main main.go:9"},
		{"wasm-function[1]@http://a.example/" + s.served[0] + ":wasm-function[1]:0x1b", "main.main main.go:5"},
		{"$func2 @ " + s.served[0] + ":0x1f", "runtime.f main.go:5"},
		{"pc=0x10010000", "runtime.f main.go:5"},
		{"pc=0x10010006", "runtime.f main.go:5"},
		{"pc=0x20000000 pc=0x7", unknown},
		{"0x1b 0x10000001", "main.main main.go:5 main.main main.go:9"},
		{"0xffffff 0x0", unknown},
		{"goroutine 1 gp=0x140 m=0 [running]: (0x1b, 0x2)", ""},
		{"at app.0123456789.wasm:wasm-function[1]", "names may be wrong: this tree builds " + s.served[0] +
			"; check out the version that served app.0123456789.wasm main.main main.go:5"},
	} {
		var out strings.Builder
		if err := s.annotate(&out, strings.NewReader(c.line)); err != nil {
			t.Fatal(err)
		}
		line, names, _ := strings.Cut(out.String(), "\n")
		names = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(names), "→ "), "\n\t→ ", " ")
		if line != c.line || names != c.want {
			t.Errorf("%q is %q, want %q", line, names, c.want)
		}
	}
}
