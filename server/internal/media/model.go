package media

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// What is given to a model as it is. Providers make larger images smaller
// themselves, or refuse them.
const (
	modelSide  = 2048    // pixels
	modelBytes = 1 << 20 // of an image
)

// Image gives an image as models take it, by its path: upright, PNG or JPEG, and
// of a size that is no waste. It gives nothing for what is no image, and for one
// that cannot be decoded.
func (s *Service) Image(ctx context.Context, path string) (data []byte, mime string, err error) {
	f, err := s.byPath(ctx, path)
	if err != nil || !f.Image() {
		return nil, "", err
	}
	content, err := s.Open(f)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = content.Close() }() // was only read
	p, err := examine(content, f.MimeType)
	if err != nil {
		return nil, "", err
	}
	plain := f.MimeType == pngKind.mime || f.MimeType == jpegKind.mime
	if !plain || p.turned != upright || f.Size > modelBytes || max(p.width, p.height) > modelSide {
		return s.smaller(ctx, content, p, modelSide)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	data, err = io.ReadAll(io.LimitReader(content, modelBytes))
	return data, f.MimeType, err
}

// Text gives the first bytes of a text by its path, most at the most, and
// whether there are more. It gives nothing for what is no text.
func (s *Service) Text(ctx context.Context, path string, most int) (text string, more bool, err error) {
	f, err := s.byPath(ctx, path)
	if err != nil || !f.Text() {
		return "", false, err
	}
	content, err := s.Open(f)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = content.Close() }() // was only read
	data, err := io.ReadAll(io.LimitReader(content, int64(most)))
	if err != nil {
		return "", false, err
	}
	data = whole(data)
	return string(data), int64(len(data)) < f.Size, nil
}

// whole cuts off the beginning of a character at the end of a text.
func whole(text []byte) []byte {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}

// byPath finds a file that a message carries.
func (s *Service) byPath(ctx context.Context, path string) (File, error) {
	id, ok := strings.CutPrefix(path, protocol.MediaPath)
	if !ok {
		return File{}, errors.New("not a file's path")
	}
	var f File
	err := s.store.View(ctx, func(tx Tx) (err error) {
		f, err = tx.File(id)
		return err
	})
	return f, err
}
