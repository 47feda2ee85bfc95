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

// textKinds are the kinds of text. Their contents are alike, so the file name decides.
// Kinds that a browser or a desktop would run when they are opened are not accepted.
var textKinds = []kind{
	{"application/json", false, []string{"json"}},
	{"text/csv", false, []string{"csv"}},
	{"text/markdown", false, []string{"md", "markdown"}},
	{"text/plain", false,
		[]string{"txt", "", "text", "log", "tsv", "jsonl", "yaml", "yml", "toml", "ini", "conf",
			"diff", "patch", "srt", "tex", "go", "rs", "c", "h", "cpp", "java", "kt", "swift", "ts",
			"sql", "css"}},
}

// accepted lists what can be sent, for users whose file is refused.
const accepted = "png, jpeg, gif, webp, pdf, zip, and text as .txt, .json, .csv or .md"

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

// textKind returns the kind of a text by its file name. ok is false if it is not
// accepted.
func textKind(name string) (k kind, ok bool) {
	i := slices.IndexFunc(textKinds,
		func(k kind) bool { return slices.Contains(k.extensions, extension(name)) })
	if i < 0 {
		return kind{}, false
	}
	return textKinds[i], true
}

// kindOf returns the kind with that MIME type.
func kindOf(mime string) kind {
	for _, k := range append([]kind{pngKind, jpegKind, gifKind, webpKind, pdfKind, zipKind},
		textKinds...) {
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
	return slices.ContainsFunc(textKinds, func(k kind) bool { return k.mime == f.MimeType })
}

// extension returns the extension of a file name, without the dot and in lower case.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
