package pdftext

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// document makes a PDF of these objects, numbered from 1. Object 1 is the catalog.
func document(objects ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, xref)
	return b.String()
}

// stream is an object with that content.
func stream(entries, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", entries, len(content), content)
}

// deflated is a compressed object with that content.
func deflated(content string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(content)) // a Buffer does not fail
	_ = w.Close()
	return stream("/Filter /FlateDecode", b.String())
}

// helvetica is a simple font whose characters all have half of its size.
var helvetica = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding " +
	"/FirstChar 0 /LastChar 255 /Widths [" + strings.Repeat("500 ", 256) + "] >>"

// page makes a PDF of one page with that content, a font /F and a form /X.
func page(content, font, form string) string {
	return document("<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F 5 0 R >> "+
			"/XObject << /X 6 0 R >> >> >>",
		content, font, form)
}

func simplePage(content string) string {
	return page(stream("", content), helvetica, "null")
}
