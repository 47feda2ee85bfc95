package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The pclntab is the table in which a Go program looks up the function of a PC, the
// function's name, and the file and line of the instruction. The constants below follow
// Go's runtime/symtab.go (pcHeader), runtime/runtime2.go (_func) and debug/gosym. They
// are valid since Go 1.20, for 64-bit pointers.

// pclntabStart begins the header: the magic number of Go 1.20, two zeros, the least
// length of an instruction, and the size of a pointer.
const pclntabStart = "\xf1\xff\xff\xff\x00\x00\x01\x08"

const pclntabHeader = 8 + 8*8

// Offsets of fields in a function's record, 32 bits each except nfuncdata.
const (
	funcEntry     = 0  // the first PC, on WebAssembly the number of the function
	funcName      = 4  // offset in the names
	funcPCSP      = 16 // offset in pcs of the table of stack sizes
	funcPCFile    = 20 // offset in pcs of the table of files
	funcPCLine    = 24 // offset in pcs of the table of lines
	funcNPCData   = 28 // count of further tables, whose offsets follow the record
	funcUnit      = 32 // index in units of file 0
	funcStartLine = 36
	funcNFuncData = 43 // one byte: count of the 32-bit values after the tables
	funcSize      = 44
)

// function is a function's record, with the offsets of its further tables.
type function []byte

func (f function) get(at int) uint32    { return binary.LittleEndian.Uint32(f[at:]) }
func (f function) set(at int, v uint32) { binary.LittleEndian.PutUint32(f[at:], v) }

// pclntab has the parts of the table. They share the memory given to findPclntab.
type pclntab struct {
	names     []byte // strings, each ended by a zero
	units     []byte // offsets of file names, by compilation unit
	files     []byte // strings, each ended by a zero
	pcs       []byte // tables of a value per PC
	functions []function
}

// findPclntab finds the table in memory. It checks all offsets, so that strip cannot destroy
// a table of another format.
func findPclntab(mem []byte) (*pclntab, error) {
	at := bytes.Index(mem, []byte(pclntabStart))
	if at < 0 {
		return nil, errors.New("no pclntab with a known header")
	}
	if bytes.Contains(mem[at+1:], []byte(pclntabStart)) {
		return nil, errors.New("more than one header of a pclntab")
	}
	t, err := readPclntab(mem[at:])
	if err != nil {
		return nil, fmt.Errorf("pclntab: %w", err)
	}
	return t, nil
}

func readPclntab(mem []byte) (*pclntab, error) {
	if len(mem) < pclntabHeader {
		return nil, errEnds
	}
	var header [8]uint64
	for i := range header {
		header[i] = binary.LittleEndian.Uint64(mem[8+8*i:])
	}
	count, offsets := header[0], header[3:]
	at := uint64(pclntabHeader)
	for i, offset := range offsets {
		if offset < at || offset > uint64(len(mem)) || i == 0 && offset != at {
			return nil, fmt.Errorf("part %d begins at %d of %d", i, offset, len(mem))
		}
		at = offset
	}
	t := &pclntab{
		names: mem[offsets[0]:offsets[1]],
		units: mem[offsets[1]:offsets[2]],
		files: mem[offsets[2]:offsets[3]],
		pcs:   mem[offsets[3]:offsets[4]],
	}
	if err := t.readFunctions(mem[offsets[4]:], count); err != nil {
		return nil, err
	}
	return t, nil
}

// readFunctions reads the index of the functions and their records. The index has pairs
// of a PC and the offset of a record, and the end PC of the last function.
func (t *pclntab) readFunctions(mem []byte, count uint64) error {
	if count == 0 || count > uint64(len(mem)/funcSize) {
		return fmt.Errorf("%d functions in %d bytes", count, len(mem))
	}
	index := function(mem[:count*8+4])
	end := len(index) // of the record before
	for i := range int(count) {
		pc, at := index.get(8*i), int(index.get(8*i+4))
		if at < end || at > len(mem)-funcSize {
			return fmt.Errorf("function %d is at %d of %d", i, at, len(mem))
		}
		f := function(mem[at:])
		tables := 4 * int64(f.get(funcNPCData))
		end = at + funcSize + int(tables) + 4*int(f[funcNFuncData])
		if tables > int64(len(mem)) || end > len(mem) {
			return fmt.Errorf("function %d ends at %d of %d", i, end, len(mem))
		}
		f = f[:funcSize+int(tables)]
		if pc != f.get(funcEntry) || pc >= index.get(8*i+8) {
			return fmt.Errorf("function %d is at PC %#x and at %#x", i, pc, f.get(funcEntry))
		}
		if err := t.check(f); err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
		t.functions = append(t.functions, f)
	}
	return nil
}

// check reports an error unless a record points to the beginning of a name and to
// tables that end.
func (t *pclntab) check(f function) error {
	if at := int64(f.get(funcName)); at >= int64(len(t.names)) || at > 0 && t.names[at-1] != 0 ||
		bytes.IndexByte(t.names[at:], 0) < 0 {
		return fmt.Errorf("no name at %d", at)
	}
	for _, at := range f.tables(funcPCSP, funcPCFile, funcPCLine) {
		if _, err := t.walk(at, nil); err != nil {
			return fmt.Errorf("table at %d: %w", at, err)
		}
	}
	return nil
}

// tables returns the offsets in pcs of the tables that the given fields name, and of
// the further tables.
func (f function) tables(fields ...int) (offsets []uint32) {
	for _, field := range fields {
		offsets = append(offsets, f.get(field))
	}
	for at := funcSize; at < len(f); at += 4 {
		offsets = append(offsets, f.get(at))
	}
	return offsets
}

// walk goes through a table in pcs and returns where the table ends. Unless yield is nil,
// walk calls it with each value and with the PC up to which the value holds, counted from
// the function's first PC, until yield returns false. at is 0 if there is no table.
func (t *pclntab) walk(at uint32, yield func(end uint64, value int64) bool) (int, error) {
	if at == 0 {
		return 0, nil
	}
	if uint64(at) >= uint64(len(t.pcs)) {
		return 0, errEnds
	}
	r := reader{rest: t.pcs[at:]}
	pc, value := uint64(0), int64(-1)
	for first := true; ; first = false {
		delta := r.u32()
		if delta == 0 && !first || r.err != nil {
			return len(t.pcs) - len(r.rest), r.err
		}
		value += int64(int32(delta>>1) ^ -int32(delta&1))
		pc += uint64(r.u32())
		if yield != nil && r.err == nil && !yield(pc, value) {
			return len(t.pcs) - len(r.rest), nil
		}
	}
}

// strip removes names, files and lines, which only the text of stack traces needs. Names that
// the runtime itself looks at are replaced: see stripped.
func (t *pclntab) strip() error {
	used := make([]bool, len(t.pcs)) // bytes of the tables that remain
	for _, f := range t.functions {
		for _, at := range f.tables(funcPCSP) {
			end, err := t.walk(at, nil)
			if err != nil {
				return err
			}
			for i := int(at); i < end; i++ {
				used[i] = true
			}
		}
	}
	if err := t.stripNames(); err != nil {
		return err
	}
	for _, f := range t.functions {
		for _, field := range []int{funcPCFile, funcPCLine, funcUnit, funcStartLine} {
			f.set(field, 0)
		}
	}
	for i, keep := range used {
		if !keep {
			t.pcs[i] = 0
		}
	}
	clear(t.units)
	clear(t.files)
	return nil
}

// stripNames replaces all names by the few that stripped returns. Inlined calls would
// get wrong names in traces, but the client has none, see compile.
func (t *pclntab) stripNames() error {
	names, offsets := []byte{0}, map[string]uint32{"": 0}
	for _, f := range t.functions {
		name := stripped(t.name(f))
		if _, ok := offsets[name]; !ok {
			offsets[name] = uint32(len(names))
			names = append(append(names, name...), 0)
		}
	}
	if len(names) > len(t.names) {
		return fmt.Errorf("the stripped names take %d bytes of %d", len(names), len(t.names))
	}
	for _, f := range t.functions {
		f.set(funcName, offsets[stripped(t.name(f))])
	}
	clear(t.names[copy(t.names, names):])
	return nil
}

// stripped returns the name that replaces a function's. On WebAssembly, these functions
// of Go's runtime depend on names:
//
//   - isSystemGoroutine: a goroutine whose first function is named "runtime.…" is not
//     counted as the program's, for example to detect a deadlock;
//   - argMapInternal: the garbage collector knows two functions of reflect by name;
//   - panicwrap: a call of a value's method through a nil pointer panics if the caller
//     is named "p.(*T).M", and otherwise ends the program without a panic;
//   - showfuncinfo: a trace leaves out functions named "runtime.…", except the panic's,
//     and those without a dot.
func stripped(name string) string {
	switch name {
	case "reflect.makeFuncStub", "reflect.methodValueCall", "runtime.gopanic":
		return name
	}
	pkg, f := "stripped", "name"
	if strings.HasPrefix(name, "runtime.") {
		pkg, f = "runtime", "stripped"
	}
	switch _, method, ok := strings.Cut(name, ".(*"); {
	case ok && strings.Contains(method, ")."):
		return pkg + ".(*T).M"
	case strings.Contains(name, "."):
		return pkg + "." + f
	}
	return ""
}

func (t *pclntab) name(f function) string { return text(t.names, f.get(funcName)) }

// text returns the string at an offset, up to its zero.
func text(all []byte, at uint32) string {
	if uint64(at) >= uint64(len(all)) {
		return ""
	}
	s, _, _ := bytes.Cut(all[at:], []byte{0})
	return string(s)
}
