package media

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// maxPDFs limits the PDFs that are read at a time.
	maxPDFs = 2
	// pdfWait limits the time that an upload waits for its turn. After that, the text is
	// extracted when a model needs it.
	pdfWait = 10 * time.Second
)

// errBusy says that too many PDFs are being read.
var errBusy = errors.New("too many PDFs are being read")

// inspectPDF extracts the text of an uploaded PDF. If that is not possible now, it returns
// nil, and Text tries again.
func (s *Service) inspectPDF(ctx context.Context, f *File, temp *tempFile) (*derived, error) {
	text, err := s.readPDF(ctx, temp.File)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, nil
	case text == "":
		f.Unreadable = true
		return nil, nil
	}
	return s.derive([]byte(text), f.Sum.text())
}

// readPDF returns the text of a PDF.
func (s *Service) readPDF(ctx context.Context, content *os.File) (string, error) {
	if s.PDFText == nil {
		return "", nil
	}
	turn := time.NewTimer(pdfWait)
	defer turn.Stop()
	select {
	case s.pdfSlots <- struct{}{}:
		defer func() { <-s.pdfSlots }()
	case <-turn.C:
		return "", errBusy
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return s.PDFText(ctx, content)
}

// openPDFText opens the text of a PDF. If the upload has not extracted it, openPDFText
// does, so that it is extracted once.
func (s *Service) openPDFText(ctx context.Context, f File) (*os.File, error) {
	text, err := s.blobs.open(f.Sum.text())
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	content, err := s.blobs.open(f.Sum.name())
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }() // it was only read
	extracted, err := s.readPDF(ctx, content)
	if err != nil {
		return nil, err
	}
	made, err := s.derive([]byte(extracted), f.Sum.text())
	if err != nil {
		return nil, err
	}
	defer made.discard()
	s.blobs.mu.RLock()
	defer s.blobs.mu.RUnlock()
	// The blob may have been removed meanwhile; then its text must not appear.
	if err := s.store.View(ctx, func(tx Tx) error {
		_, err := tx.File(f.ID)
		return err
	}); err != nil {
		return nil, err
	}
	if err := made.commit(made.blob); err != nil {
		return nil, err
	}
	return s.blobs.open(f.Sum.text())
}
