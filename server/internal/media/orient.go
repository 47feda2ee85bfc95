package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"io"
)

// orientation is how the camera was held, in the numbers of Exif (CIPA DC-008 §4.6.4, tag
// 0x0112). 1 is upright; from 5 to 8, width and height are swapped.
type orientation int

const upright orientation = 1

// sideways reports whether width and height are swapped.
func (o orientation) sideways() bool { return o >= 5 }

// apply returns the image upright.
func (o orientation) apply(m *image.RGBA) *image.RGBA {
	if o == upright {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if o.sideways() {
		size = image.Rect(0, 0, h, w)
	}
	turned := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			turned.SetRGBA(x, y, m.RGBAAt(o.source(x, y, w, h)))
		}
	}
	return turned
}

// source returns where the pixel at x, y of the upright image is in the stored image,
// which has the size w, h.
func (o orientation) source(x, y, w, h int) (int, int) {
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// jpegHeader is what the segments before a JPEG's image say and the decoder does not
// return.
type jpegHeader struct {
	turned      orientation
	progressive bool
}

// readJPEG reads the segments of a JPEG up to its frame (ITU-T T.81 §B.1.1). If they are
// damaged, it returns what it has found so far.
func readJPEG(r io.ReadSeeker) (jpegHeader, error) {
	found := jpegHeader{turned: upright}
	if _, err := r.Seek(2, io.SeekStart); err != nil {
		return found, err
	}
	in := bufio.NewReader(r)
	for {
		marker, size, ok := segment(in)
		switch {
		case !ok:
			return found, nil
		case marker == 0xe1: // APP1
			text := make([]byte, size) // at most 64 KiB
			if _, err := io.ReadFull(in, text); err != nil {
				return found, nil
			}
			if o, ok := exifOrientation(text); ok {
				found.turned = o
			}
		// SOF
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			found.progressive = marker == 0xc2
			return found, nil
		default:
			if _, err := in.Discard(size); err != nil {
				return found, nil
			}
		}
	}
}

// segment reads the marker of a segment, and the length of the rest of the segment.
func segment(in *bufio.Reader) (marker byte, size int, ok bool) {
	b, err := in.ReadByte()
	for ; err == nil && b != 0xff; b, err = in.ReadByte() { // skip invalid bytes, as decoders do
	}
	for ; err == nil && b == 0xff; b, err = in.ReadByte() { // skip fill bytes before the marker
	}
	var length [2]byte
	if err != nil || b == 0 || b == 0xd9 || b == 0xda {
		return 0, 0, false
	}
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return 0, 0, false
	}
	size = int(binary.BigEndian.Uint16(length[:])) - 2
	return b, size, size >= 0
}

// exifOrientation returns the orientation in an Exif segment, which is a TIFF directory
// (TIFF 6.0 §2). ok is false if there is none.
func exifOrientation(segment []byte) (o orientation, ok bool) {
	tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0, false
	}
	count, entries := order.Uint16(tiff[at:]), tiff[at+2:]
	const entrySize, orientationTag = 12, 0x0112
	for range count {
		if len(entries) < entrySize {
			return 0, false
		}
		if order.Uint16(entries) == orientationTag {
			o = orientation(order.Uint16(entries[8:]))
			return o, o >= 1 && o <= 8
		}
		entries = entries[entrySize:]
	}
	return 0, false
}
