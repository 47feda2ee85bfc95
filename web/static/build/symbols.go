package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// firstFunction is the number that Go's linker gives to the first function that is not
// imported (cmd/link/internal/wasm, funcValueOffset). A PC is the function's number << 16
// plus a number of the place within the function.
const firstFunction = 0x1000

// symbols looks up names of functions in a module that has not been squeezed. A trace
// of Chromium has the function's index, where imported functions come first, and the
// offset of the instruction in the module. A trace of Go has a PC.
type symbols struct {
	served  []string // names under which the gateway serves the module
	imports []string
	bodies  []int // offset in the module of each function's end
	first   int   // offset in the module of the first function
	table   *pclntab
}

func readSymbols(module []byte) (*symbols, error) {
	all, err := sections(module)
	if err != nil {
		return nil, err
	}
	_, _, table, err := readData(all)
	if err != nil {
		return nil, err
	}
	s := &symbols{served: []string{asset{clientName, module}.servedName()}, table: table}
	if squeezed, err := squeeze(module); err == nil {
		s.served = []string{asset{clientName, squeezed}.servedName(), s.served[0]}
	}
	return s, errors.Join(s.readImports(all), s.readBodies(all))
}

// readImports reads the names of imported functions. Go's linker imports nothing else.
func (s *symbols) readImports(all []section) error {
	imports, err := findSection(all, sectionImport)
	if err != nil {
		return err
	}
	r := reader{rest: imports.content}
	for range r.u32() {
		from, name := r.bytes(r.u32()), r.bytes(r.u32())
		kind := r.byte()
		r.u32() // its type
		if r.err == nil && kind != 0 {
			r.fail(fmt.Errorf("%s.%s is imported, and no function", from, name))
		}
		if r.err != nil {
			break
		}
		s.imports = append(s.imports, string(from)+"."+string(name)+" (imported)")
	}
	return r.end()
}

// readBodies reads where each function's code is.
func (s *symbols) readBodies(all []section) error {
	code, err := findSection(all, sectionCode)
	if err != nil {
		return err
	}
	r := reader{rest: code.content}
	count := r.u32()
	s.first = code.end - len(r.rest)
	for range count {
		if r.bytes(r.u32()); r.err != nil {
			break
		}
		s.bodies = append(s.bodies, code.end-len(r.rest))
	}
	return r.end()
}

// byIndex names a function by its index in the module, with the place of its
// declaration.
func (s *symbols) byIndex(index uint64) string {
	if index < uint64(len(s.imports)) {
		return s.imports[index]
	}
	return s.function(index-uint64(len(s.imports)), 0)
}

// byOffset names the function that an offset in the module is in.
func (s *symbols) byOffset(offset uint64) string {
	if offset < uint64(s.first) {
		return unknown
	}
	i := sort.Search(len(s.bodies), func(i int) bool { return offset < uint64(s.bodies[i]) })
	return s.function(uint64(i), 0)
}

// byPC names the function and the line of a PC. A trace has the PC to which a call
// returns; byPC gives the line of the call, as Go's traces do.
func (s *symbols) byPC(pc uint64) string {
	if pc>>16 < firstFunction {
		return unknown
	}
	return s.function(pc>>16-firstFunction, pc&0xffff)
}

const unknown = "(unknown)"

// function names function i, not counting imported ones, with the line of the call that
// returns to within. If within is 0 or has no line, it is the line of the declaration.
func (s *symbols) function(i, within uint64) string {
	at := sort.Search(len(s.table.functions), func(j int) bool {
		return uint64(s.table.functions[j].get(funcEntry)) >= i+firstFunction
	})
	if at == len(s.table.functions) ||
		uint64(s.table.functions[at].get(funcEntry)) != i+firstFunction {
		return unknown
	}
	f := s.table.functions[at]
	file, line := s.table.value(f.get(funcPCFile), 0), int64(f.get(funcStartLine))
	if called := s.table.value(f.get(funcPCLine), within-1); within > 0 && called >= 0 {
		file, line = s.table.value(f.get(funcPCFile), within-1), called
	}
	return fmt.Sprintf("%s %s:%d", s.table.name(f), s.table.file(f, file), line)
}

// value returns the value that a table in pcs has for a PC within the function, or -1.
func (t *pclntab) value(at uint32, pc uint64) int64 {
	found := int64(-1)
	_, _ = t.walk(at, func(end uint64, value int64) bool {
		if pc < end {
			found = value
		}
		return pc >= end
	})
	return found
}

// file is the name of a file of the function's compilation unit.
func (t *pclntab) file(f function, index int64) string {
	at := 4 * (int64(f.get(funcUnit)) + index)
	if index < 0 || at+4 > int64(len(t.units)) {
		return "?"
	}
	return text(t.files, function(t.units).get(int(at)))
}

// inTrace finds addresses in a line of a trace: wasm-function[812] from a browser,
// app.0123456789.wasm:0x1234 from its developer tools, pc=0x10370005 from Go.
var inTrace = regexp.MustCompile(`\bwasm-function\[(\d+)\]|\.wasm:0x([0-9a-f]+)|\bpc=0x([0-9a-f]+)`)

// names returns the names of the functions whose addresses are in a line of a trace. A
// word 0x1234 is an offset in the module, or a PC if it is as large as one.
func (s *symbols) names(line string) (names []string) {
	for _, m := range inTrace.FindAllStringSubmatch(line, -1) {
		for i, named := range []struct {
			base int
			by   func(uint64) string
		}{{10, s.byIndex}, {16, s.byOffset}, {16, s.byPC}} {
			if n, err := strconv.ParseUint(m[i+1], named.base, 64); err == nil {
				names = append(names, named.by(n))
			}
		}
	}
	for _, word := range strings.Fields(line) {
		digits, ok := strings.CutPrefix(word, "0x")
		address, err := strconv.ParseUint(digits, 16, 64)
		switch {
		case !ok || err != nil:
		case address>>16 >= firstFunction:
			names = append(names, s.byPC(address))
		default:
			names = append(names, s.byOffset(address))
		}
	}
	return slices.Compact(names) // Firefox prints a function twice
}

// fileInTrace finds the name of the file that a browser loaded the module from.
var fileInTrace = regexp.MustCompile(`\bapp\.[0-9a-f]{10}\.wasm\b`)

// annotate copies a trace and writes names below each line that has addresses. It warns
// once if the trace is from another module.
func (s *symbols) annotate(out io.Writer, trace io.Reader) error {
	lines := bufio.NewScanner(trace)
	lines.Buffer(nil, 1<<20)
	warned := false
	for lines.Scan() {
		fmt.Fprintln(out, lines.Text())
		file := fileInTrace.FindString(lines.Text())
		if file != "" && !warned && !slices.Contains(s.served, file) {
			warned = true
			fmt.Fprintf(out, "\t→ names may be wrong: this tree builds %s; "+
				"check out the version that served %s\n", s.served[0], file)
		}
		for _, name := range s.names(lines.Text()) {
			fmt.Fprintln(out, "\t→", name)
		}
	}
	return lines.Err()
}

// nameTrace annotates a trace, or standard input if trace is empty. The client is linked
// again unless bin has the module of this tree.
func nameTrace(ctx context.Context, out io.Writer, o options, trace string) error {
	client, err := compile(ctx, os.Stderr, o)
	if err != nil {
		return err
	}
	s, err := readSymbols(client)
	if err != nil {
		return fmt.Errorf("unknown module format: %w", err)
	}
	from := io.Reader(strings.NewReader(trace))
	if trace == "" {
		fmt.Fprintln(os.Stderr, "→ reading the trace from standard input, to its end (Ctrl-D)")
		from = os.Stdin
	}
	return s.annotate(out, from)
}
