package media

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// An image within these limits is given to a model unchanged. Providers scale larger
// images down themselves, or refuse them.
const (
	modelSide  = 2048    // pixels
	modelBytes = 1 << 20 // of the file
)

// Image returns the image with that path for a model: upright, as PNG or JPEG, and scaled
// down if it is large. It returns no data if the file is no image or cannot be decoded.
func (s *Service) Image(ctx context.Context, path string) (data []byte, mime string, err error) {
	f, err := s.byPath(ctx, path)
	if err != nil || !f.Image() {
		return nil, "", err
	}
	content, err := s.Open(f)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = content.Close() }() // it was only read
	p, err := readInfo(content, f.MimeType)
	if err != nil {
		return nil, "", err
	}
	usable := f.MimeType == pngKind.mime || f.MimeType == jpegKind.mime
	if !usable || p.turned != upright || f.Size > modelBytes || max(p.width, p.height) > modelSide {
		return s.scaleDown(ctx, content, p, modelSide)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	data, err = io.ReadAll(io.LimitReader(content, modelBytes))
	return data, f.MimeType, err
}

// Text returns the beginning of the text file with that path, at most limit bytes, and
// whether there is more. It returns no text if the file is no text file.
func (s *Service) Text(ctx context.Context, path string,
	limit int) (text string, more bool, err error) {
	f, err := s.byPath(ctx, path)
	if err != nil || !f.Text() {
		return "", false, err
	}
	content, err := s.Open(f)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = content.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(content, int64(limit)))
	if err != nil {
		return "", false, err
	}
	data = trimPartialRune(data)
	return string(data), int64(len(data)) < f.Size, nil
}

// trimPartialRune removes an incomplete character from the end of text.
func trimPartialRune(text []byte) []byte {
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

// byPath returns the file with that path, as messages name it.
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
