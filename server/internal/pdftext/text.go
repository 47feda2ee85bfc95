package pdftext

import (
	"errors"
	"fmt"
	"io"

	"github.com/ledongthuc/pdf"
)

// writeText writes the text of the file, page by page. If a page cannot be read, its text
// is left out.
func writeText(file io.ReaderAt, size int64, out io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some damaged files
			err = fmt.Errorf("read the PDF: %v", p)
		}
	}()
	r, err := pdf.NewReader(file, size)
	if err != nil {
		return err
	}
	written, failed := 0, 0
	for i := range min(r.NumPage(), MaxPages) {
		text, ok := pageText(r.Page(i + 1))
		if !ok {
			failed++
		}
		if text = tidy(text); text == "" {
			continue
		}
		if written > 0 {
			text = "\n\n" + text
		}
		n, err := io.WriteString(out, text)
		if written += n; err != nil || written > MaxText {
			return err
		}
	}
	if written == 0 && failed > 0 {
		return errors.New("no page of the PDF could be read")
	}
	return nil
}

// pageText returns the text of a page, as far as it can be read.
func pageText(page pdf.Page) (text string, ok bool) {
	w := &walk{fonts: map[string]*font{}}
	defer func() {
		if recover() != nil {
			text, ok = w.text.String(), false
		}
	}()
	if page.V.IsNull() || page.V.Key("Contents").IsNull() {
		return "", true
	}
	w.state = state{matrix: identity, scale: 1}
	w.stream(page.V.Key("Contents"), page.Resources(), 0)
	return w.text.String(), true
}
