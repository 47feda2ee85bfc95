package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Numbers of the sections of a WebAssembly module that the build reads.
const (
	sectionImport = 2
	sectionMemory = 5
	sectionCode   = 10
	sectionData   = 11
)

// The instructions of a segment's address.
const (
	opConst = 0x41 // i32.const
	opEnd   = 0x0b
)

// maxMemory limits the memory that a data section may fill. The client's is 2 MB.
const maxMemory = 16 << 20

// minGap is the least run of zeros between two data segments. A new segment costs
// a few bytes; zeros cost almost none once they are compressed.
const minGap = 4096

// section is module[start:end]. Its content follows the section's number and size.
type section struct {
	id         byte
	start, end int
	content    []byte
}

// sections splits a module. No section except custom ones may occur twice.
func sections(module []byte) ([]section, error) {
	const header = "\x00asm\x01\x00\x00\x00"
	if len(module) < len(header) || string(module[:len(header)]) != header {
		return nil, errors.New("not a WebAssembly module of version 1")
	}
	r := reader{rest: module[len(header):]}
	var all []section
	for len(r.rest) > 0 {
		s := section{start: len(module) - len(r.rest)}
		s.id = r.byte()
		s.content = r.bytes(r.u32())
		s.end = len(module) - len(r.rest)
		if r.err != nil {
			return nil, fmt.Errorf("section at byte %d: %w", s.start, r.err)
		}
		if s.id != 0 && slices.ContainsFunc(all, func(o section) bool { return o.id == s.id }) {
			return nil, fmt.Errorf("section %d occurs twice", s.id)
		}
		all = append(all, s)
	}
	return all, nil
}

// findSection returns the section with a number, or an error when the module has none.
func findSection(all []section, id byte) (section, error) {
	i := slices.IndexFunc(all, func(s section) bool { return s.id == id })
	if i < 0 {
		return section{}, fmt.Errorf("the module has no section %d", id)
	}
	return all[i], nil
}

// memory is the part of the module's memory that a data section fills, from the first
// byte of any segment to the last.
type memory struct {
	base  int64 // address of the first byte
	bytes []byte
}

// readMemory copies the segments of a data section into memory, as the browser does.
func readMemory(data []byte) (memory, error) {
	type segment struct {
		at      int64
		content []byte
	}
	r := reader{rest: data}
	var segments []segment
	var first, last int64
	for range r.u32() {
		s := segment{r.address(), r.bytes(r.u32())}
		if r.err != nil {
			return memory{}, fmt.Errorf("data segment %d: %w", len(segments), r.err)
		}
		end := s.at + int64(len(s.content))
		if len(segments) == 0 {
			first, last = s.at, end
		}
		first, last = min(first, s.at), max(last, end)
		segments = append(segments, s)
	}
	if err := r.end(); err != nil {
		return memory{}, fmt.Errorf("data section: %w", err)
	}
	if last > 1<<32 || last-first > maxMemory {
		return memory{}, fmt.Errorf("the data section fills %#x to %#x, more than %d bytes",
			first, last, maxMemory)
	}
	m := memory{first, make([]byte, last-first)}
	for _, s := range segments {
		copy(m.bytes[s.at-first:], s.content)
	}
	return m, nil
}

// appendData appends a data section, with its number and size. A segment ends where
// minGap zeros follow; these need no segment since memory starts as zeros.
func (m memory) appendData(dst []byte) []byte {
	var body []byte
	count := uint64(0)
	for at := nonZero(m.bytes, 0); at < len(m.bytes); count++ {
		end, next := at, at
		for next < len(m.bytes) && next-end < minGap {
			end = zero(m.bytes, next)
			next = nonZero(m.bytes, end)
		}
		if next == len(m.bytes) {
			end = next // the last zeros stay, so that the memory ends in the same place
		}
		body = append(body, 0, opConst) // an active segment of memory 0
		body = appendSigned(body, int64(int32(m.base)+int32(at)))
		body = append(body, opEnd)
		body = appendUnsigned(body, uint64(end-at))
		body = append(body, m.bytes[at:end]...)
		at = next
	}
	content := append(appendUnsigned(nil, count), body...)
	dst = appendUnsigned(append(dst, sectionData), uint64(len(content)))
	return append(dst, content...)
}

// zero returns the index of the first zero from at on, or the length of b.
func zero(b []byte, at int) int {
	for at < len(b) && b[at] != 0 {
		at++
	}
	return at
}

// nonZero returns the index of the first byte from at on that is not zero, or the length
// of b.
func nonZero(b []byte, at int) int {
	for at < len(b) && b[at] == 0 {
		at++
	}
	return at
}

// reader reads the bytes and numbers of a module. After an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

var (
	errEnds = errors.New("the module ends too early")
	errWide = errors.New("a number has more than 32 bits")
)

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

// end returns the first error, or an error when something is left to read.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		return fmt.Errorf("%d bytes too many", len(r.rest))
	}
	return r.err
}

func (r *reader) byte() byte {
	b := r.bytes(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.fail(errEnds)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// u32 reads an unsigned LEB128 number of 32 bits.
func (r *reader) u32() uint32 {
	v, _ := r.number()
	if v > math.MaxUint32 {
		r.fail(errWide)
		return 0
	}
	return uint32(v)
}

// i32 reads a signed LEB128 number of 32 bits.
func (r *reader) i32() int32 {
	v, bits := r.number()
	signed := int64(v<<(64-bits)) >> (64 - bits)
	if signed != int64(int32(signed)) {
		r.fail(errWide)
		return 0
	}
	return int32(signed)
}

// number reads a LEB128 number of at most five bytes, and returns how many bits these
// hold.
func (r *reader) number() (v uint64, bits int) {
	for bits < 35 {
		b := r.byte()
		v |= uint64(b&0x7f) << bits
		bits += 7
		if b&0x80 == 0 {
			return v, bits
		}
	}
	r.fail(errWide)
	return 0, bits
}

// address reads the address of a segment. It must be what Go's linker writes: an active
// segment of memory 0, with a constant for its address.
func (r *reader) address() int64 {
	flag, op := r.byte(), r.byte()
	address := r.i32()
	end := r.byte()
	if r.err == nil && (flag != 0 || op != opConst || end != opEnd) {
		r.fail(fmt.Errorf("kind %d with instructions %#x, %#x is not understood", flag, op, end))
	}
	return int64(uint32(address))
}

func appendUnsigned(dst []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

func appendSigned(dst []byte, v int64) []byte {
	for ; v < -0x40 || v >= 0x40; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v)&0x7f)
}
