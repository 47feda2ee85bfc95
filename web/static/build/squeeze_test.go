package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link compiles testdata/traced with the client's flags, and with more for the linker.
func link(t *testing.T, ldflags string) []byte {
	t.Helper()
	module := filepath.Join(t.TempDir(), "traced.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false",
		"-gcflags=all=-l", "-ldflags="+ldflags, "-o", module, "./testdata/traced")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	content, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestSqueezesModulesOfThisGo fails when a Go release changes what its linker
// writes. The build still succeeds then, but the client is a fifth larger.
func TestSqueezesModulesOfThisGo(t *testing.T) {
	t.Parallel()
	module := link(t, "-s -w")
	squeezed, err := squeeze(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.inner", "traced/main.go", "runtime.mallocgc"} {
		if !bytes.Contains(module, []byte(name)) || bytes.Contains(squeezed, []byte(name)) {
			t.Errorf("%s is not in the module, or is in the squeezed one", name)
		}
	}
	if before, after := zipped(t, module), zipped(t, squeezed); after > before*85/100 {
		t.Errorf("%d bytes have become %d", before, after)
	}
	if again, err := squeeze(squeezed); err != nil || !bytes.Equal(again, squeezed) {
		t.Errorf("squeezed twice it is another module: %v", err)
	}
	sameOtherwise(t, module, squeezed)
	runsTheSame(t, module, squeezed)
}

// zipped is the size of content compressed with gzip.
func zipped(t *testing.T, content []byte) int {
	t.Helper()
	packed, err := codings()[0].compress(content)
	if err != nil {
		t.Fatal(err)
	}
	return len(packed)
}

// sameOtherwise checks that only the data section has changed, and nothing before it
// has moved.
func sameOtherwise(t *testing.T, module, squeezed []byte) {
	t.Helper()
	before, err := sections(module)
	if err != nil {
		t.Fatal(err)
	}
	after, err := sections(squeezed)
	if err != nil || len(after) != len(before) {
		t.Fatalf("%d sections have become %d: %v", len(before), len(after), err)
	}
	moved := false
	for i, s := range before {
		if s.id == sectionData {
			moved = true
			continue
		}
		if !bytes.Equal(s.content, after[i].content) || !moved && s.start != after[i].start {
			t.Errorf("section %d has changed or moved", s.id)
		}
	}
}

// unstable is what differs between two modules: the name that V8 gives a module.
var unstable = regexp.MustCompile(`wasm://wasm/[0-9a-f]+`)

// runsTheSame runs both modules in Node.js, if it is installed. Both must print the same
// before the trace of the panic. With names added, the squeezed module's trace must have
// the functions and lines of the other's.
func runsTheSame(t *testing.T, module, squeezed []byte) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("there is no Node.js: the modules are not run")
		return
	}
	want, wantTrace, _ := strings.Cut(run(t, node, module), "\ngoroutine ")
	got, trace, _ := strings.Cut(run(t, node, squeezed), "\ngoroutine ")
	for _, line := range []string{"recovered: true", "goroutines: 2", "deferred 1", "panic: the end"} {
		if !strings.Contains(want, line) {
			t.Errorf("the program does not print %q", line)
		}
	}
	if got, want := unstable.ReplaceAllString(got, ""), unstable.ReplaceAllString(want, ""); got != want {
		t.Errorf("squeezed it prints\n%s\ninstead of\n%s", got, want)
	}
	s, err := readSymbols(module)
	if err != nil {
		t.Fatal(err)
	}
	named := func(trace string) string {
		var out strings.Builder
		if err := s.annotate(&out, strings.NewReader(trace)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := named(got); !strings.Contains(out, "→ main.stack ") || !strings.Contains(out, "traced/main.go:") {
		t.Errorf("the stack of Node.js has no names:\n%s", out)
	}
	// Go writes "main.inner(0x0)\n\tfile.go:12 +0x3 fp=…".
	frames := regexp.MustCompile(`(?m)^(\S+)\(.*\)\n\t(\S+:\d+) `).FindAllStringSubmatch(wantTrace, -1)
	out, at := named(trace), 0
	for _, frame := range frames {
		name := "→ " + frame[1] + " " + frame[2] + "\n"
		if frame[1] == "panic" {
			name = "→ runtime.gopanic " + frame[2] + "\n"
		}
		i := strings.Index(out[at:], name)
		if i < 0 {
			t.Fatalf("%q is not in its place in\n%s\nwanted is\n%s", name, out, wantTrace)
		}
		at += i
	}
	if len(frames) < 6 {
		t.Errorf("only %d frames in\n%s", len(frames), wantTrace)
	}
}

// run runs a module, which must end with code 2 as after a panic, and returns its output.
func run(t *testing.T, node string, module []byte) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(file, module, 0o600); err != nil {
		t.Fatal(err)
	}
	glue := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js")
	program := exec.CommandContext(t.Context(), node, glue, file)
	program.Env = []string{"GOTRACEBACK=system"} // as boot.js has it
	text, _ := program.CombinedOutput()
	if code := program.ProcessState.ExitCode(); code != 2 {
		t.Fatalf("the program ends with code %d:\n%s", code, text)
	}
	return string(text)
}

// TestSymbolsAgreeWithTheLinker compares the names of all functions with those of the
// name section, which Go's linker writes without -s.
func TestSymbolsAgreeWithTheLinker(t *testing.T) {
	t.Parallel()
	module := link(t, "-w")
	s, err := readSymbols(module)
	if err != nil {
		t.Fatal(err)
	}
	all, err := sections(module)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{rest: all[len(all)-1].content}
	if name := string(r.bytes(r.u32())); name != "name" {
		t.Fatalf("the last section is %q", name)
	}
	r.byte() // names of functions
	r.u32()  // their size
	count := r.u32()
	for range count {
		index, want := r.u32(), string(r.bytes(r.u32()))
		name := s.byIndex(uint64(index))
		name = name[:max(0, strings.LastIndexByte(name, ' '))] // without its place
		if got := regexp.MustCompile(`[^\w.]`).ReplaceAllString(name, "_"); got != want {
			t.Errorf("function %d is %s, the linker says %s", index, got, want)
		}
		body := s.bodies[int(index)-len(s.imports)]
		if got := s.byOffset(uint64(body - 1)); got != s.byIndex(uint64(index)) {
			t.Errorf("at byte %#x is %s, not %s", body-1, got, name)
		}
	}
	if count < 1000 || r.err != nil || s.byIndex(uint64(count)+uint64(len(s.imports))) != unknown {
		t.Errorf("%d functions: %v", count, r.err)
	}
}

func TestStrippedNamesSuitTheRuntime(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"main.main":                          "stripped.name",
		"main.(*word).String":                "stripped.(*T).M",
		"example.org/a.(*list[...]).each.f1": "stripped.(*T).M",
		"runtime.bgsweep":                    "runtime.stripped",
		"runtime.(*mheap).alloc":             "runtime.(*T).M",
		"runtime/debug.Stack":                "stripped.name",
		"runtime.gopanic":                    "runtime.gopanic",
		"reflect.makeFuncStub":               "reflect.makeFuncStub",
		"reflect.methodValueCall":            "reflect.methodValueCall",
		"memeqbody":                          "",
		"":                                   "",
	} {
		if got := stripped(name); got != want || stripped(got) != got {
			t.Errorf("%s becomes %s, and then %s, want %s", name, got, stripped(got), want)
		}
	}
}

func TestBuildContinuesUnsqueezed(t *testing.T) {
	t.Parallel()
	module, table := small()
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() {}, ""},
		{func() { table[0]++ }, "no pclntab with a known header"},
		{func() { table[7] = 4 }, "no pclntab with a known header"},
	} {
		c.change()
		var out bytes.Buffer
		content, limit := shrink(&out, module())
		if lean := len(content) < len(module()); lean != (c.want == "") || (limit != nil) != lean ||
			!strings.Contains(out.String(), c.want) || strings.Count(out.String(), "\n") > 1 {
			t.Errorf("%d bytes with the limit %v, output is %q, wanted %q", len(content), limit, &out, c.want)
		}
	}
}

func TestUnknownModulesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want   string
		change func(table []byte)
	}{
		{"part 0 begins at 73", func(b []byte) { b[32]++ }},
		{"part 2 begins at 0", func(b []byte) { b[48] = 0 }},
		{"part 4 begins at 167", func(b []byte) { b[66] = 255 }},
		{"0 functions", func(b []byte) { b[8] = 0 }},
		{"200 functions", func(b []byte) { b[8] = 200 }},
		{"function 0 is at PC", func(b []byte) { b[smallFunctions]++ }},
		{"function 0: no name at 1", func(b []byte) { b[smallRecords+funcName] = 1 }},
		{"function 0: no name at 255", func(b []byte) { b[smallRecords+funcName] = 255 }},
		{"function 0: table at 200", func(b []byte) { b[smallRecords+funcPCSP] = 200 }},
		{"function 0 ends at", func(b []byte) { b[smallRecords+funcNPCData+3] = 1 }},
		{"function 1 is at", func(b []byte) { b[smallRecords+funcNFuncData] = 9 }},
	} {
		module, table := small()
		c.change(table)
		if _, err := squeeze(module()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want it to tell %q", err, c.want)
		}
	}
	module, _ := small()
	whole := module()
	for n := range whole {
		if _, err := squeeze(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are accepted as a module", n, len(whole))
		}
	}
}

// Where the parts of small's table begin.
const (
	smallFunctions = pclntabHeader + 88
	smallRecords   = smallFunctions + 20
)

// small makes a module with a table of two functions. The table may be changed before
// the module is put together.
func small() (module func() []byte, table []byte) {
	table = append([]byte(pclntabStart), make([]byte, smallRecords-8)...)
	word := function(table)
	word.set(8, 2)
	for i, at := range []uint32{0, 48, 56, 72, 88} {
		word.set(32+8*i, pclntabHeader+at)
	}
	copy(table[pclntabHeader:], "main.main\x00runtime.f\x00")
	copy(table[pclntabHeader+56:], "main.go\x00other.go\x00")
	copy(table[pclntabHeader+72:], "\x00\x02\x05\x00\x04\x05\x00\x14\x05\x00\x06\x05\x00")
	for i, f := range []struct{ pc, name uint32 }{{firstFunction, 0}, {firstFunction + 1, 10}} {
		record := append(make(function, funcSize), 10, 0, 0, 0)
		for field, v := range map[int]uint32{
			funcEntry: f.pc, funcName: f.name, funcPCSP: 1, funcPCFile: 4, funcPCLine: 7,
			funcNPCData: 1, funcStartLine: 5,
		} {
			record.set(field, v)
		}
		word.set(smallFunctions+8*i, f.pc)
		word.set(smallFunctions+8*i+4, uint32(20+i*len(record)))
		table = append(table, record...)
		word = function(table)
	}
	word.set(smallFunctions+16, firstFunction+2)
	return func() []byte {
		m := []byte("\x00asm\x01\x00\x00\x00")
		m = append(m, sectionImport, 8, 1, 2, 'j', 's', 1, 'f', 0, 0)
		m = append(m, sectionMemory, 3, 1, 0, 1)
		m = append(m, sectionCode, 7, 2, 2, 0, opEnd, 2, 0, opEnd)
		var data []byte
		count := 0
		for i := 0; i < len(table); i += 8 {
			data = append(data, 0, opConst)
			data = append(appendSigned(data, int64(8192+i)), opEnd)
			piece := table[i:min(i+8, len(table))]
			data = append(append(data, byte(len(piece))), piece...)
			count++
		}
		data = append([]byte{byte(count)}, data...)
		return append(appendUnsigned(append(m, sectionData), uint64(len(data))), data...)
	}, table
}

func FuzzSqueeze(f *testing.F) {
	module, _ := small()
	f.Add(module())
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, module []byte) {
		before := bytes.Clone(module)
		squeezed, err := squeeze(module)
		if !bytes.Equal(before, module) {
			t.Fatal("the module itself has changed")
		}
		if err == nil {
			if again, err := squeeze(squeezed); err != nil || !bytes.Equal(again, squeezed) {
				t.Fatalf("squeezed twice %x is another module: %v", squeezed, err)
			}
		}
		if s, err := readSymbols(module); err == nil {
			_ = s.annotate(io.Discard, strings.NewReader(
				"wasm-function[1] wasm-function[0]:0x1 pc=0x10000001 0x10010002 0x20"))
		}
	})
}
