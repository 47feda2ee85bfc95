package media

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
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

// Text returns the beginning of the text file or PDF with that path, at most limit bytes,
// and whether there is more. It returns no text if the file has none.
func (s *Service) Text(ctx context.Context, path string,
	limit int) (beginning string, more bool, err error) {
	f, err := s.byPath(ctx, path)
	if err != nil {
		return "", false, err
	}
	var content *os.File
	switch {
	case f.Text():
		content, err = s.blobs.open(f.Sum.name())
	case f.MimeType == pdfKind.mime && !f.Unreadable:
		content, err = s.openPDFText(ctx, f)
	default:
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer func() { _ = content.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(content, int64(limit)+1))
	if err != nil {
		return "", false, err
	}
	more = len(data) > limit
	data = data[:min(len(data), limit)]
	data = data[:len(data)-text.PartialRune(data)]
	return strings.TrimPrefix(string(data), byteOrderMark), more, nil
}

// byteOrderMark is what some editors put before a text. Models need not see it.
const byteOrderMark = "\ufeff"

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
