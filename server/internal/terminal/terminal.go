// Package terminal makes text from strangers safe for a terminal. Such a text may have
// control sequences that move the cursor, change what was printed before or type commands,
// and characters that hide or reorder what a reader sees.
package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s as one line of at most limit characters, with single spaces. Each
// character that is not printable becomes a space. If s is too long, the line ends with an
// ellipsis.
func Line(s string, limit int) string {
	s = strings.Map(printable, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit]) + "…"
	}
	return s
}

// printable returns a space for a character that is not printable.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// Text returns a writer that writes each character to w that is printable or a line break,
// and spaces for the others. Each call of Write must have whole characters.
func Text(w io.Writer) io.Writer {
	return filter{w, func(r rune) string {
		if r == '\n' {
			return "\n"
		}
		return string(printable(r))
	}}
}

// JSON returns a writer for JSON texts, which writes each character to w that is not
// printable as an escape. Each call of Write must have whole characters.
func JSON(w io.Writer) io.Writer {
	return filter{w, func(r rune) string {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return string(r)
		case r < utf8.RuneSelf && r != 0x7f: // JSON has these outside of strings only
			return " "
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}}
}

// filter is a writer that writes something else for some characters.
type filter struct {
	to   io.Writer
	char func(rune) string
}

// Write implements io.Writer.
func (f filter) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(string(p), "\ufffd") {
		b.WriteString(f.char(r))
	}
	if _, err := io.WriteString(f.to, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
