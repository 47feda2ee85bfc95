package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime/debug"

	"golang.org/x/image/webp"
)

// Limits on images. Browsers and models refuse larger ones.
const (
	maxSide   = 16384      // pixels
	maxPixels = 50_000_000 // width × height
	// maxDecoded limits the memory of a decoded image, in bytes: 24 megapixels with four
	// bytes each, and a margin. Larger images are not scaled down.
	maxDecoded = 128 << 20
	// thumbnailSide limits the sides of thumbnails, in pixels.
	thumbnailSide = 512
)

// inspectImage sets the size of an image in f, and returns its thumbnail, or nil if none
// can be made.
func (s *Service) inspectImage(ctx context.Context, f *File, temp *tempFile) (*derived, error) {
	p, err := readInfo(temp, f.MimeType)
	if err != nil {
		return nil, err
	}
	f.Width, f.Height = p.width, p.height
	if p.turned.sideways() {
		f.Width, f.Height = p.height, p.width
	}
	data, mime, err := s.scaleDown(ctx, temp, p, thumbnailSide)
	if err != nil || mime == "" {
		return nil, err
	}
	f.Thumbnail = mime
	return s.derive(data, f.Sum.thumbnail())
}

// imageInfo is what the header of an image says.
type imageInfo struct {
	mime          string
	width, height int // as stored
	turned        orientation
	decoded       int64 // the maximum memory of the decoded image, in bytes
}

// readInfo reads the header of an image. It refuses an image that is damaged or too
// large.
func readInfo(r io.ReadSeeker, mime string) (imageInfo, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return imageInfo{}, err
	}
	c, err := decodeConfig(r, mime)
	if err != nil || c.Width < 1 || c.Height < 1 {
		return imageInfo{}, wrongType("the file begins like " + mime +
			", but cannot be read as such an image: it may be damaged")
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return imageInfo{}, tooLarge(fmt.Sprintf("the image has %d × %d pixels; the limit is %d "+
			"on a side and %d million in all",
			c.Width, c.Height, maxSide, maxPixels/1_000_000))
	}
	p := imageInfo{mime: mime, width: c.Width, height: c.Height, turned: upright}
	perPixel := int64(8) // 16 bits a colour, or the decoder makes a copy
	if mime == jpegKind.mime {
		h, err := readJPEG(r)
		if err != nil {
			return imageInfo{}, err
		}
		p.turned = h.turned
		if perPixel = 4; h.progressive {
			perPixel = 16 // the decoder keeps all coefficients
		}
	} else if mime == pngKind.mime && !deep(c) {
		perPixel = 4
	}
	p.decoded = int64(c.Width) * int64(c.Height) * perPixel
	return p, nil
}

// deep reports whether an image has more than 8 bits a colour.
func deep(c image.Config) bool {
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		return true
	}
	return false
}

// decodeConfig reads the header of an image.
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

// decode decodes an image. For an animation, it returns the first frame.
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

// decodeLimit returns how much memory a decoded image may take, in bytes: maxDecoded, but at
// most half of Go's memory limit, so that one image cannot use up a small container.
func decodeLimit(memoryLimit int64) int64 { return min(maxDecoded, memoryLimit/2) }

// scaleDown returns an upright copy of an image whose sides have at most side pixels, and
// the MIME type of the copy. The type is "" if the image is too large for the memory or
// cannot be decoded. Only one image is decoded at a time.
func (s *Service) scaleDown(ctx context.Context, r io.ReadSeeker, p imageInfo,
	side int) (encoded []byte, mime string, err error) {
	if p.decoded > decodeLimit(debug.SetMemoryLimit(-1)) {
		return nil, "", nil
	}
	select {
	case s.decodeLock <- struct{}{}:
		defer func() { <-s.decodeLock }()
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	full, err := decode(r, p.mime)
	if err != nil || full.Bounds().Empty() {
		return nil, "", nil // browsers may be able to show the image
	}
	return encode(p.turned.apply(shrink(full, side)))
}

// encode returns an image as JPEG, or as PNG if it is not opaque.
func encode(m *image.RGBA) (encoded []byte, mime string, err error) {
	var b bytes.Buffer
	if m.Opaque() {
		const quality = 80
		mime, err = jpegKind.mime, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	} else {
		mime, err = pngKind.mime, png.Encode(&b, m)
	}
	if err != nil {
		return nil, "", errors.Join(errors.New("encode a scaled image"), err)
	}
	return b.Bytes(), mime, nil
}
