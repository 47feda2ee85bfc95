package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// Bounds of images. Browsers and models take no larger ones.
const (
	maxSide   = 16384      // pixels
	maxPixels = 50_000_000 // of one image
	// maxDecoded bounds what an image may take in memory to be made smaller, in
	// bytes: 24 megapixels at four bytes, with a margin.
	maxDecoded = 128 << 20
	// thumbnailSide bounds the sides of small pictures, in pixels.
	thumbnailSide = 512
)

// inspect looks at an image's size and makes its small picture, if it can be
// made; nil for what is no image. One that is too large, or whose size cannot be
// told, is refused.
func (s *Service) inspect(ctx context.Context, f *File, d *draft) (small *draft, err error) {
	if !f.Image() {
		return nil, nil
	}
	p, err := examine(d, f.MimeType)
	if err != nil {
		return nil, err
	}
	f.Width, f.Height = p.width, p.height
	if p.turned.sideways() {
		f.Width, f.Height = p.height, p.width
	}
	text, mime, err := s.smaller(ctx, d, p, thumbnailSide)
	if err != nil || mime == "" {
		return nil, err
	}
	if small, err = s.blobs.draft(); err != nil {
		return nil, err
	}
	if _, err := small.Write(text); err != nil {
		small.drop()
		return nil, unwritable(err)
	}
	f.Thumbnail = mime
	return small, nil
}

// picture is what an image's header says.
type picture struct {
	mime          string
	width, height int // as stored
	turned        orientation
	decoded       int64 // bytes that it takes in memory, at most
}

// examine reads the header of an image.
func examine(r io.ReadSeeker, mime string) (picture, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return picture{}, err
	}
	c, err := decodeConfig(r, mime)
	if err != nil || c.Width < 1 || c.Height < 1 {
		return picture{}, wrongType("the file begins as " + mime + " does, but cannot be read as such an image: it may be damaged")
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return picture{}, tooLarge(fmt.Sprintf("the image has %d × %d pixels; %d on a side and %d million together are the most that one may have",
			c.Width, c.Height, maxSide, maxPixels/1_000_000))
	}
	p := picture{mime: mime, width: c.Width, height: c.Height, turned: upright}
	perPixel := int64(8) // 16 bits a colour, or a decoder's own copy
	if mime == jpegKind.mime {
		h, err := readJPEG(r)
		if err != nil {
			return picture{}, err
		}
		p.turned = h.turned
		if perPixel = 4; h.progressive {
			perPixel = 16 // whose coefficients are all kept
		}
	} else if mime == pngKind.mime && !deep(c) {
		perPixel = 4
	}
	p.decoded = int64(c.Width) * int64(c.Height) * perPixel
	return p, nil
}

func decodeConfig(r io.Reader, mime string) (image.Config, error) {
	switch mime {
	case pngKind.mime:
		return png.DecodeConfig(r)
	case jpegKind.mime:
		return jpeg.DecodeConfig(r)
	case gifKind.mime:
		return gif.DecodeConfig(r)
	default:
		return webp.DecodeConfig(r)
	}
}

// decode reads an image, of an animation the first one.
func decode(r io.Reader, mime string) (image.Image, error) {
	switch mime {
	case pngKind.mime:
		return png.Decode(r)
	case jpegKind.mime:
		return jpeg.Decode(r)
	case gifKind.mime:
		return gif.Decode(r)
	default:
		return webp.Decode(r)
	}
}

// smaller makes an upright copy of an image whose sides are at most that long,
// encoded by us, and gives its MIME type; "" when the image is too large to be
// held in memory or cannot be decoded. One is made at a time.
func (s *Service) smaller(ctx context.Context, r io.ReadSeeker, p picture, side int) (encoded []byte, mime string, err error) {
	if p.decoded > maxDecoded {
		return nil, "", nil
	}
	select {
	case s.imaging <- struct{}{}:
		defer func() { <-s.imaging }()
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	full, err := decode(r, p.mime)
	if err != nil || full.Bounds().Empty() {
		return nil, "", nil // browsers may make something of it
	}
	return encode(p.turned.apply(shrink(full, side)))
}

// encode writes an image as JPEG, or as PNG if one can see through it.
func encode(m *image.RGBA) (encoded []byte, mime string, err error) {
	var b bytes.Buffer
	if m.Opaque() {
		const quality = 80
		mime, err = jpegKind.mime, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	} else {
		mime, err = pngKind.mime, png.Encode(&b, m)
	}
	if err != nil {
		return nil, "", errors.Join(errors.New("encode a small picture"), err)
	}
	return b.Bytes(), mime, nil
}
