package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// thumbnail decodes the thumbnail of a file.
func (h *testService) thumbnail(t testing.TB, f File) image.Image {
	t.Helper()
	r, err := h.OpenThumbnail(f)
	m, kind, err := image.Decode(bytes.NewReader(content(t, r, err)))
	if err != nil || "image/"+kind != f.Thumbnail {
		t.Fatalf("%s is %s: %v", f.Thumbnail, kind, err)
	}
	return m
}

// near reports whether two colours are almost equal.
func near(a color.Color, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	x, y, z, w := b.RGBA()
	far := func(p, q uint32) bool { return max(p, q)-min(p, q) > 0x3000 }
	return !far(r, x) && !far(g, y) && !far(bl, z) && !far(al, w)
}

func TestThumbnails(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	clear := redBlueImage(700, 90)
	clear.SetNRGBA(0, 0, color.NRGBA{})
	draw.Draw(clear, image.Rect(0, 0, 200, 90), image.Transparent, image.Point{}, draw.Src)
	for _, c := range []struct {
		name    string
		content []byte
		w, h    int
		mime    string
	}{
		{"a.png", pngOf(t, redBlueImage(1200, 900)), 512, 384, "image/jpeg"},
		{"tall.png", pngOf(t, redBlueImage(10, 4000)), 1, 512, "image/jpeg"},
		{"small.png", pngOf(t, redBlueImage(30, 20)), 30, 20, "image/jpeg"},
		{"clear.png", pngOf(t, clear), 512, 65, "image/png"},
		{"a.jpg", jpegOf(t, redBlueImage(1200, 900)), 512, 384, "image/jpeg"},
		{"a.gif", gifOf(t, redBlueImage(600, 600)), 512, 512, "image/jpeg"},
		{"a.webp", []byte(webpText), 1, 1, ""},
	} {
		f := h.mustUpload(t, ann, c.name, c.content)
		m := h.thumbnail(t, f)
		if m.Bounds().Dx() != c.w || m.Bounds().Dy() != c.h || c.mime != "" &&
			f.Thumbnail != c.mime {
			t.Errorf("%s: %s of %v, want %s of %d × %d", c.name, f.Thumbnail, m.Bounds(), c.mime,
				c.w, c.h)
		}
		if c.w > 2 && (c.mime == "image/jpeg" && !near(m.At(1, 1), color.NRGBA{R: 255, A: 255}) ||
			!near(m.At(c.w-2, c.h-2), color.NRGBA{B: 255, A: 255})) {
			t.Errorf("%s: its corners are %v and %v", c.name, m.At(1, 1), m.At(c.w-2, c.h-2))
		}
	}
}

// The thumbnail of an animation is its first frame.
func TestAnimation(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	palette := color.Palette{color.NRGBA{R: 255, A: 255}, color.NRGBA{B: 255, A: 255}}
	all := &gif.GIF{}
	for i := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 20, 20), palette)
		draw.Draw(m, m.Rect, image.NewUniform(palette[min(i, 1)]), image.Point{}, draw.Src)
		all.Image, all.Delay = append(all.Image, m), append(all.Delay, 5)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, all); err != nil {
		t.Fatal(err)
	}
	f := h.mustUpload(t, ann, "a.gif", b.Bytes())
	if c := h.thumbnail(t, f).At(9, 9); !near(c, palette[0]) {
		t.Errorf("the thumbnail is %v", c)
	}
}

// An image with a good header and a damaged body is stored without a thumbnail: browsers
// may be able to show it.
func TestDamagedBody(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	whole := jpegOf(t, redBlueImage(300, 300))
	f := h.mustUpload(t, ann, "a.jpg", whole[:len(whole)/2])
	if f.Width != 300 || f.Thumbnail != "" {
		t.Errorf("it is %+v", f)
	}
	_, err := h.OpenThumbnail(f)
	refused(t, err, protocol.NotFound, "no thumbnail")
}

// An image that would need too much memory is not decoded, however small its file is.
func TestTooLargeToDecode(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	f := h.mustUpload(t, ann, "a.png", hugePNG(7000, 7000))
	if f.Width != 7000 || f.Thumbnail != "" {
		t.Errorf("it is %+v", f)
	}
	for mime, want := range map[string]bool{"progressive": false, "baseline": true} {
		text := jpegOf(t, redBlueImage(16, 16))
		i := bytes.Index(text, []byte{0xff, 0xc0})
		binary.BigEndian.PutUint16(text[i+5:], 4000)
		binary.BigEndian.PutUint16(text[i+7:], 5000)
		if mime == "progressive" {
			text[i+1] = 0xc2
		}
		p, err := readInfo(bytes.NewReader(text), jpegKind.mime)
		if err != nil || p.width != 5000 || p.height != 4000 || (p.decoded <= maxDecoded) != want {
			t.Errorf("%s: %+v, %v", mime, p, err)
		}
	}
}

// withExif inserts an Exif segment with an orientation into a JPEG.
func withExif(jpeg []byte, order binary.AppendByteOrder, mark string, o uint16) []byte {
	tiff := []byte(mark)
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, tag := range []uint16{0x010f, 0x0112} {
		tiff = order.AppendUint16(tiff, tag)
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, o)
		tiff = order.AppendUint16(tiff, 0)
	}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	text := append([]byte{0xff, 0xd8, 0xff, 0xe1},
		binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(text, segment...), jpeg[2:]...)
}

// The size of an image is the size at which browsers show it, and its thumbnail is
// upright.
func TestOrientation(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	plain := jpegOf(t, redBlueImage(600, 300)) // red left, blue right
	red, blue := color.NRGBA{R: 255, A: 255}, color.NRGBA{B: 255, A: 255}
	for o, want := range map[uint16]struct {
		w, h        int
		first, last color.NRGBA // of the upright picture's corners
	}{
		0: {600, 300, red, blue}, 1: {600, 300, red, blue}, 2: {600, 300, blue, red},
		3: {600, 300, blue, red}, 4: {600, 300, red, blue},
		5: {300, 600, red, blue}, 6: {300, 600, red, blue}, 7: {300, 600, blue, red},
		8: {300, 600, blue, red}, 9: {600, 300, red, blue},
	} {
		for mark, order := range map[string]binary.AppendByteOrder{"MM": binary.BigEndian,
			"II": binary.LittleEndian} {
			f := h.mustUpload(t, ann, "a.jpg", withExif(plain, order, mark, o))
			m := h.thumbnail(t, f)
			b := m.Bounds()
			if f.Width != want.w || f.Height != want.h || (b.Dx() > b.Dy()) != (want.w > want.h) ||
				!near(m.At(3, 3), want.first) || !near(m.At(b.Dx()-4, b.Dy()-4), want.last) {
				t.Errorf("orientation %d (%s): %d × %d, %v, %v and %v", o, mark, f.Width, f.Height,
					b, m.At(3, 3), m.At(b.Dx()-4, b.Dy()-4))
			}
		}
	}
}

// Every orientation maps the pixels of the upright image to different pixels of the
// stored one.
func TestOrientationsAreComplete(t *testing.T) {
	t.Parallel()
	for o := upright; o <= 8; o++ {
		m := image.NewRGBA(image.Rect(0, 0, 3, 2))
		for i := range 6 {
			m.SetRGBA(i%3, i/3, color.RGBA{R: uint8(i + 1), A: 255})
		}
		turned := o.apply(m)
		seen := map[uint8]bool{}
		for i := 0; i < len(turned.Pix); i += 4 {
			seen[turned.Pix[i]] = true
		}
		if len(seen) != 6 || seen[0] {
			t.Errorf("orientation %d shows %v", o, seen)
		}
	}
}

// A shrunk image is as bright as the original, has the right size, and is a valid image
// with premultiplied alpha.
func TestShrink(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 60).Draw(t, "w"), rapid.IntRange(1, 60).Draw(t, "h")
		side := rapid.IntRange(1, 20).Draw(t, "side")
		at := image.Pt(rapid.IntRange(-5, 5).Draw(t, "x"), rapid.IntRange(-5, 5).Draw(t, "y"))
		full := image.NewNRGBA(image.Rect(0, 0, w, h).Add(at))
		same := color.NRGBAModel.Convert(color.NRGBA{
			R: rapid.Byte().Draw(t, "r"), G: rapid.Byte().Draw(t, "g"), B: rapid.Byte().Draw(t,
				"b"), A: rapid.Byte().Draw(t, "a")})
		draw.Draw(full, full.Rect, image.NewUniform(same), image.Point{}, draw.Src)
		small := shrink(full, side)
		b := small.Bounds()
		if b.Min != (image.Point{}) || b.Dx() < 1 || b.Dy() < 1 ||
			max(b.Dx(), b.Dy()) > max(side, 1) || b.Dx() > w || b.Dy() > h {
			t.Fatalf("%d × %d became %v, side %d", w, h, b, side)
		}
		want := color.RGBAModel.Convert(same).(color.RGBA)
		for i := 0; i < len(small.Pix); i += 4 {
			for j, v := range []uint8{want.R, want.G, want.B, want.A} {
				if got := small.Pix[i+j]; max(got, v)-min(got, v) > 1 {
					t.Fatalf("%v became %v", want, small.Pix[i:i+4])
				}
			}
		}
	})
}

func FuzzReadJPEG(f *testing.F) {
	plain := jpegOf(f, redBlueImage(8, 8))
	f.Add(plain)
	f.Add(withExif(plain, binary.BigEndian, "MM", 6))
	f.Add(withExif(plain, binary.LittleEndian, "II", 8)[:40])
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := readJPEG(bytes.NewReader(text))
		if err != nil || h.turned < 1 || h.turned > 8 {
			t.Fatalf("%+v, %v", h, err)
		}
	})
}

func TestModelFiles(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	plain := pngOf(t, redBlueImage(300, 200))
	for _, c := range []struct {
		name    string
		content []byte
		same    bool
		w, h    int
	}{
		{"a.png", plain, true, 300, 200},
		{"a.jpg", jpegOf(t, redBlueImage(300, 200)), true, 300, 200},
		{"turned.jpg", withExif(jpegOf(t, redBlueImage(300, 200)), binary.BigEndian, "MM", 6),
			false, 200, 300},
		{"large.png", pngOf(t, redBlueImage(4096, 20)), false, 2048, 10},
		{"a.gif", gifOf(t, redBlueImage(300, 200)), false, 300, 200},
		{"a.webp", []byte(webpText), false, 1, 1},
		{"huge.png", hugePNG(7000, 7000), false, 0, 0},
		{"a.txt", []byte("hello"), false, 0, 0},
	} {
		f := h.mustUpload(t, ann, c.name, c.content)
		data, mime, err := h.Image(t.Context(), f.Path())
		if c.w == 0 {
			if data != nil || mime != "" || err != nil {
				t.Errorf("%s: %d bytes of %q, %v", c.name, len(data), mime, err)
			}
			continue
		}
		got, _, failed := image.DecodeConfig(bytes.NewReader(data))
		if err := errors.Join(err, failed); err != nil || bytes.Equal(data, c.content) != c.same ||
			got.Width != c.w || got.Height != c.h ||
			mime != "image/png" && mime != "image/jpeg" {
			t.Errorf("%s: %q, %+v, %v; want %+v", c.name, mime, got, err, c)
		}
	}
	if _, _, err := h.Image(t.Context(), "/api/media/"+newID()); !errors.Is(err,
		store.ErrNotFound) {
		t.Errorf("an unknown file: %v", err)
	}
	f := h.mustUpload(t, ann, "a.txt", []byte("aé€😀"))
	for most, want := range map[int]string{1: "a", 2: "a", 3: "aé", 5: "aé", 6: "aé€", 9: "aé€",
		10: "aé€😀", 99: "aé€😀"} {
		text, more, err := h.Text(t.Context(), f.Path(), most)
		if err != nil || text != want || more != (want != "aé€😀") {
			t.Errorf("%d bytes are %q, more %v, %v; want %q", most, text, more, err, want)
		}
	}
	if text, more, err := h.Text(t.Context(), h.mustUpload(t, ann, "a.png", plain).Path(), 99); text != "" ||
		more || err != nil {
		t.Errorf("the text of a picture is %q, %v, %v", text, more, err)
	}
}

func BenchmarkThumbnail(b *testing.B) {
	h := newTestService(b)
	text := jpegOf(b, redBlueImage(4000, 3000)) // 12 megapixels, as a phone takes them
	for b.Loop() {
		began := time.Now()
		p, err := readInfo(bytes.NewReader(text), jpegKind.mime)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := h.scaleDown(b.Context(), bytes.NewReader(text), p,
			thumbnailSide); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms")
	}
}

func TestDecodeLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]int64{
		math.MaxInt64: maxDecoded, 1 << 30: maxDecoded, 96 << 20: 48 << 20,
	} {
		if got := decodeLimit(limit); got != want {
			t.Errorf("with a memory limit of %d: %d, want %d", limit, got, want)
		}
	}
}
