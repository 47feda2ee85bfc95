package media

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

// fakePDFText returns what follows the first line of a file, and counts its calls.
func fakePDFText(calls *int) func(context.Context, *os.File) (string, error) {
	return func(_ context.Context, file *os.File) (string, error) {
		*calls++
		data, err := io.ReadAll(file)
		_, text, _ := strings.Cut(string(data), "\n")
		return text, err
	}
}

// uploadPDF uploads a PDF with that text.
func uploadPDF(t *testing.T, s *Service, text string) File {
	t.Helper()
	f, err := s.Upload(t.Context(), ann, func() (string, io.Reader, error) {
		return "a.pdf", strings.NewReader("%PDF-1.7\n" + text), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPDFText(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	var calls int
	h.PDFText = fakePDFText(&calls)
	for text, unreadable := range map[string]bool{"some text": false, "": true} {
		f := uploadPDF(t, h.Service, text)
		if f.Unreadable != unreadable || f.Wire().NoText != unreadable {
			t.Errorf("a PDF with %q is unreadable: %v", text, f.Unreadable)
		}
		calls = 0
		if got, more, err := h.Text(t.Context(), f.Path(), 100); got != text || more || err != nil {
			t.Errorf("a model reads %q, more: %v (%v), want %q", got, more, err, text)
		}
		if calls != 0 {
			t.Errorf("the text %q was extracted %d times more", text, calls)
		}
	}
	f := uploadPDF(t, h.Service, "some text")
	if got, more, err := h.Text(t.Context(), f.Path(), 4); got != "some" || !more || err != nil {
		t.Errorf("a model with little room reads %q, more: %v (%v)", got, more, err)
	}
}

// A PDF whose text could not be extracted at its upload, or from before texts were
// extracted, is read when a model needs the text, once.
func TestPDFTextLater(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.PDFText = func(context.Context, *os.File) (string, error) { return "", errors.New("no process") }
	f := uploadPDF(t, h.Service, "some text")
	if f.Unreadable {
		t.Error("the PDF is said to have no text")
	}
	if _, _, err := h.Text(t.Context(), f.Path(), 100); err == nil {
		t.Error("a model gets the text that is not there")
	}
	var calls int
	h.PDFText = fakePDFText(&calls)
	for range 2 {
		if got, _, err := h.Text(t.Context(), f.Path(), 100); got != "some text" || err != nil {
			t.Errorf("a model reads %q (%v)", got, err)
		}
	}
	if calls != 1 {
		t.Errorf("the text was extracted %d times", calls)
	}
	if err := h.Delete(t.Context(), ann, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Collect(t.Context(), f.CreatedAt); err != nil {
		t.Fatal(err)
	}
	if _, err := h.blobs.root.Stat(f.Sum.text()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the text outlives its file: %v", err)
	}
}

// A PDF is not read if nobody can, and an upload does not wait for its turn for ever.
func TestPDFTextUnavailable(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	if f := uploadPDF(t, h.Service, "some text"); !f.Unreadable {
		t.Error("without a reader of PDFs, a PDF is said to be readable")
	}
	synctest.Test(t, func(t *testing.T) {
		h := newTestService(t)
		var calls int
		h.PDFText = fakePDFText(&calls)
		for range maxPDFs {
			h.pdfSlots <- struct{}{}
		}
		if f := uploadPDF(t, h.Service, "some text"); f.Unreadable || calls != 0 {
			t.Errorf("unreadable: %v after %d calls", f.Unreadable, calls)
		}
	})
}

func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	f, err := h.Upload(t.Context(), session.Caller{UserID: "ann"},
		func() (string, io.Reader, error) { return "a.txt", strings.NewReader("\ufeffHi"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, more, err := h.Text(t.Context(), f.Path(), 100); got != "Hi" || more || err != nil {
		t.Errorf("a model reads %q, more: %v (%v)", got, more, err)
	}
}
