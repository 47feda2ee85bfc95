package rawws

import (
	"bufio"
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestFramesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 125, 126, 127, 65535, 65536, 70000}).Draw(t, "bytes")
		f := Frame{
			Opcode: rapid.ByteRange(0, 15).Draw(t, "opcode"), More: rapid.Bool().Draw(t, "more"),
			Reserved: rapid.ByteRange(0, 7).Draw(t, "reserved"), Unmasked: rapid.Bool().Draw(t, "unmasked"),
			Payload: bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, size),
		}
		wire := f.Append(nil)
		c := &Conn{in: bufio.NewReader(bytes.NewReader(append(wire, wire...)))}
		for range 2 {
			if got, err := c.ReadFrame(); err != nil || !reflect.DeepEqual(got, f) {
				t.Fatalf("%v: opcode %d with %d bytes is opcode %d with %d", err, f.Opcode, size, got.Opcode, len(got.Payload))
			}
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0x81, 0})
	f.Add([]byte{0x81, 126, 0, 1, 'x'})
	f.Add([]byte{0x88, 2, 3, 0xe8})
	f.Add([]byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, wire []byte) {
		c := &Conn{in: bufio.NewReader(bytes.NewReader(wire))}
		frame, err := c.ReadFrame()
		if err == nil && len(frame.Payload) > len(wire) {
			t.Errorf("%d bytes out of %d", len(frame.Payload), len(wire))
		}
		CloseOf(frame)
	})
}
