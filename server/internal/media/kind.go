package media

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// kind is an accepted type of file.
type kind struct {
	mime       string
	image      bool
	extensions []string // the file name extensions of the kind, the usual one first
}

var (
	pngKind  = kind{"image/png", true, []string{"png"}}
	jpegKind = kind{"image/jpeg", true, []string{"jpg", "jpeg", "jpe", "jfif"}}
	gifKind  = kind{"image/gif", true, []string{"gif"}}
	webpKind = kind{"image/webp", true, []string{"webp"}}
	pdfKind  = kind{"application/pdf", false, []string{"pdf"}}
	zipKind  = kind{"application/zip", false,
		[]string{"zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"}}
)

// binaryKinds are the kinds that are recognised by their first bytes.
var binaryKinds = []kind{pngKind, jpegKind, gifKind, webpKind, pdfKind, zipKind}

// textKinds are the kinds of text that have a MIME type of their own. Their contents are
// alike, so the file name decides. All other text, such as programs and web pages, is
// plainText: it is served as plain text and as a download, so that no browser runs it.
var textKinds = []kind{
	{"application/json", false, []string{"json"}},
	{"text/csv", false, []string{"csv"}},
	{"text/markdown", false, []string{"md", "markdown"}},
}

var plainText = kind{"text/plain", false, []string{"txt"}}

// kinds are all accepted types.
var kinds = slices.Concat(binaryKinds, textKinds, []kind{plainText})

// accepted lists what can be sent, for users whose file is refused.
const accepted = "png, jpeg, gif, webp, pdf, zip, and every kind of text in UTF-8"

// headSize is the number of bytes at the beginning of a file that sniff needs.
const headSize = 16

// sniff returns the kind of a file by its first bytes. binary is false if the file can
// only be text.
func sniff(head []byte) (k kind, binary bool) {
	for _, s := range []struct {
		magic string
		kind
	}{
		{"\x89PNG\r\n\x1a\n", pngKind},
		{"\xff\xd8\xff", jpegKind},
		{"GIF87a", gifKind},
		{"GIF89a", gifKind},
		{"%PDF-", pdfKind},
		{"PK\x03\x04", zipKind},
		{"PK\x05\x06", zipKind}, // a zip without entries
	} {
		if bytes.HasPrefix(head, []byte(s.magic)) {
			return s.kind, true
		}
	}
	if len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP" {
		return webpKind, true
	}
	return kind{}, false
}

// textKind returns the kind of a text by its file name.
func textKind(name string) kind {
	if k, ok := byExtension(textKinds, name); ok {
		return k
	}
	return plainText
}

// byExtension returns the kind that the extension of name belongs to.
func byExtension(kinds []kind, name string) (k kind, ok bool) {
	i := slices.IndexFunc(kinds,
		func(k kind) bool { return slices.Contains(k.extensions, extension(name)) })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// kindOf returns the kind with that MIME type.
func kindOf(mime string) kind {
	for _, k := range kinds {
		if k.mime == mime {
			return k
		}
	}
	return kind{mime: "application/octet-stream"}
}

// Image reports whether the file is an image.
func (f File) Image() bool { return kindOf(f.MimeType).image }

// Text reports whether the file is text in UTF-8.
func (f File) Text() bool {
	return f.MimeType == plainText.mime ||
		slices.ContainsFunc(textKinds, func(k kind) bool { return k.mime == f.MimeType })
}

// extension returns the extension of a file name, without the dot and in lower case.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
