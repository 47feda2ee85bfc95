package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNumbersAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, v := range []int64{
		0, 1, 63, 64, 127, 128, 8191, 8192, math.MaxInt32, math.MaxUint32, -1, -64, -65, math.MinInt32,
	} {
		if v >= 0 {
			r := reader{rest: appendUnsigned(nil, uint64(v))}
			if got := r.u32(); int64(got) != v || r.end() != nil {
				t.Errorf("%d is read as %d, %v", v, got, r.end())
			}
		}
		r := reader{rest: appendSigned(nil, v)}
		fits := v <= math.MaxInt32
		if got := r.i32(); fits && int64(got) != v || fits != (r.end() == nil) {
			t.Errorf("%d is read as %d, %v", v, got, r.end())
		}
	}
	for _, text := range []string{"", "\x80", "\x80\x80\x80\x80\x80\x00", "\xff\xff\xff\xff\x1f"} {
		r := reader{rest: []byte(text)}
		if got := r.u32(); got != 0 || r.err == nil {
			t.Errorf("%x is read as %d", text, got)
		}
	}
}

// TestMemoryStaysTheSame lays random memory out in random segments; it must be the same
// from the new segments, which no gap of less than minGap separates.
func TestMemoryStaysTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		mem, data := memory{base: 1 << 31}, []byte(nil)
		count := random.IntN(20)
		for range count {
			gap := []int{0, 1, minGap - 1, minGap, 3 * minGap}[random.IntN(5)]
			mem.bytes = append(mem.bytes, make([]byte, gap)...)
			piece := bytes.Repeat([]byte{byte(random.IntN(3))}, random.IntN(20))
			data = append(data, 0, opConst)
			data = append(appendSigned(data, int64(int32(uint32(mem.base+int64(len(mem.bytes)))))), opEnd)
			data = append(appendUnsigned(data, uint64(len(piece))), piece...)
			mem.bytes = append(mem.bytes, piece...)
		}
		got, err := readMemory(append(appendUnsigned(nil, uint64(count)), data...))
		if err != nil {
			t.Fatal(err)
		}
		r := reader{rest: got.appendData(nil)}
		r.byte()
		again, err := readMemory(r.bytes(r.u32()))
		if err != nil || r.end() != nil {
			t.Fatal(err, r.end())
		}
		for _, m := range []memory{got, again} {
			at := m.base - mem.base
			if len(m.bytes) == 0 {
				at = 0
			}
			whole := append(make([]byte, at), m.bytes...)
			if n := len(mem.bytes) - len(whole); n > 0 {
				whole = append(whole, make([]byte, n)...)
			}
			if !bytes.Equal(whole, mem.bytes) {
				t.Fatalf("%d bytes at %#x are not the %d at %#x", len(m.bytes), m.base, len(mem.bytes), mem.base)
			}
		}
	}
}

func TestSegmentsEndAtGaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gap  int
		want string
	}{
		{minGap - 1, "\x01\x00\x41\x04\x0b\x81\x20a" + strings.Repeat("\x00", minGap-1) + "b"},
		{minGap, "\x02\x00\x41\x04\x0b\x01a\x00\x41\x85\x20\x0b\x01b"},
	} {
		m := memory{base: 1, bytes: []byte("\x00\x00\x00a" + strings.Repeat("\x00", c.gap) + "b")}
		r := reader{rest: m.appendData(nil)}
		if id, content := r.byte(), r.bytes(r.u32()); id != sectionData || string(content) != c.want || r.end() != nil {
			t.Errorf("a gap of %d becomes %.40q", c.gap, content)
		}
	}
}

func TestUnknownSegmentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, want string }{
		{"\x01\x01\x03abc", "segment 0: kind 1"},
		{"\x01\x00\x23\x00\x0b\x00", "kind 0 with instructions 0x23"},
		{"\x01\x00\x41\x00\x0a\x00", "kind 0 with instructions 0x41, 0xa"},
		{"\x01\x00\x41\x00\x0b\x02a", "segment 0: the module ends"},
		{"\x02\x00\x41\x00\x0b\x01a", "segment 1: the module ends"},
		{"\x01\x00\x41\x00\x0b\x01ab", "1 bytes too many"},
		{"\x02\x00\x41\x00\x0b\x01a\x00\x41\x7f\x0b\x01a", "fills 0x0 to 0x100000000"},
		{"\x01\x00\x41\x7f\x0b\x02ab", "fills 0xffffffff to 0x100000001"},
	} {
		if _, err := readMemory([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want it to tell %q", c.data, err, c.want)
		}
	}
	for _, c := range []struct{ module, want string }{
		{"\x00asm\x02\x00\x00\x00", "not a WebAssembly module"},
		{"\x00asm\x01\x00\x00\x00\x05\x00\x05\x00", "section 5 occurs twice"},
		{"\x00asm\x01\x00\x00\x00\x05\x02\x00", "section at byte 8: the module ends"},
		{"\x00asm\x01\x00\x00\x00\x0b\x01\x00", "whether memory is zero at first"},
		{"\x00asm\x01\x00\x00\x00\x05\x00", "no section 11"},
	} {
		if _, err := squeeze([]byte(c.module)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want it to tell %q", c.module, err, c.want)
		}
	}
}
