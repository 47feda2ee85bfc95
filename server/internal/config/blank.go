package config

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may nest. The keys need four levels.
const maxDepth = 32

// A lexicalFault is a fault that is found before the text is parsed.
type lexicalFault struct {
	off     int
	problem string
}

// A blanker overwrites comments, and white space that the JSON5 library does not
// know, with spaces. Offsets do not change. If there are no faults, every text in
// the result is closed and the nesting is bounded.
type blanker struct {
	in           []byte
	clean        []byte // in, blanked
	off          int
	open         []int // offsets of the brackets not closed yet
	lexical      []lexicalFault
	hashReported bool // a # was reported already
}

// blank returns the blanked text, the offset of the innermost bracket that is
// never closed (-1 if there is none), and the faults in the order of the text. It
// stops at a fault that makes the rest unreadable, such as a text without an end.
func blank(in []byte) (clean []byte, unclosed int, lexical []lexicalFault) {
	b := blanker{in: in, clean: bytes.Clone(in)}
	for b.off < len(in) && b.next() {
	}
	b.checkBraces()
	slices.SortFunc(b.lexical, func(x, y lexicalFault) int { return cmp.Compare(x.off, y.off) })
	unclosed = -1
	if n := len(b.open); n > 0 {
		unclosed = b.open[n-1]
	}
	return b.clean, unclosed, b.lexical
}

// next handles one comment, text, bracket or character, and reports whether
// to go on.
func (b *blanker) next() bool {
	rest := b.in[b.off:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		n := textLength(rest)
		if n < 0 {
			return b.stop("this text has no closing " + string(c) + " on its line")
		}
		b.off += n
	case bytes.HasPrefix(rest, []byte("//")):
		b.erase(lineLength(rest))
	case bytes.HasPrefix(rest, []byte("/*")):
		n := bytes.Index(rest[2:], []byte("*/"))
		if n < 0 {
			return b.stop("this comment has no closing */")
		}
		b.erase(n + 4)
	case c == '#':
		b.hashComment(lineLength(rest))
	case c == '{' || c == '[':
		if b.open = append(b.open, b.off); len(b.open) > maxDepth {
			return b.stop(fmt.Sprintf(
				"lists and objects nest deeper than %d here; no key needs that", maxDepth))
		}
		b.off++
	case c == '}' || c == ']':
		b.open = b.open[:max(0, len(b.open)-1)]
		b.off++
	default:
		b.character(rest)
	}
	return true
}

// stop adds a fault that makes the rest unreadable.
func (b *blanker) stop(problem string) bool {
	b.lexical = append(b.lexical, lexicalFault{b.off, problem})
	return false
}

// erase blanks the next n bytes, except for line feeds.
func (b *blanker) erase(n int) {
	for end := b.off + n; b.off < end; b.off++ {
		if b.clean[b.off] != '\n' {
			b.clean[b.off] = ' '
		}
	}
}

// character skips one character, or blanks it if JSON5 counts it as white space.
func (b *blanker) character(rest []byte) {
	r, n := utf8.DecodeRune(rest)
	if r == '\v' || r == '\f' || r >= utf8.RuneSelf && (unicode.Is(unicode.Z, r) || r == '\ufeff') {
		b.erase(n)
		return
	}
	b.off += n
}

// hashComment blanks the n bytes of a comment that begins with #. The first such
// comment is a fault.
func (b *blanker) hashComment(n int) {
	if !b.hashReported {
		b.lexical = append(b.lexical, lexicalFault{b.off, "this is not JSON5: " +
			"a comment begins with //, not with #; write // in place of every such #"})
	}
	b.hashReported = true
	b.erase(n)
}

// checkBraces adds a fault if the file begins with a key instead of a brace.
func (b *blanker) checkBraces() {
	text := bytes.TrimLeft(b.clean, " \t\r\n")
	n := keyLength(text)
	if n <= 0 || !bytes.HasPrefix(bytes.TrimLeft(text[n:], " \t\r\n"), []byte(":")) {
		return
	}
	b.lexical = append(b.lexical, lexicalFault{len(b.clean) - len(text), "this is not JSON5: " +
		"the outer braces are missing; put a { before " +
		"this key and a } at the end of the file, as in { " + shorten(string(text[:n])) + ": … }"})
}

// keyLength returns the length of the key, bare or quoted, at the start of text.
// It returns less than 1 if there is no key.
func keyLength(text []byte) int {
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		return textLength(text)
	}
	return len(text) - len(bytes.TrimLeft(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-"))
}

// textLength returns the length of the quoted text at the start of in, with its
// quotes. It returns -1 if the text does not end on its line; a line break after
// a backslash belongs to the text.
func textLength(in []byte) int {
	for i := 1; i < len(in); i++ {
		switch in[i] {
		case in[0]:
			return i + 1
		case '\n', '\r':
			return -1
		case '\\':
			if i++; bytes.HasPrefix(in[i:], []byte("\r\n")) {
				i++
			}
		}
	}
	return -1
}

// lineLength returns the length of the first line, without its line break.
func lineLength(in []byte) int {
	if n := bytes.IndexAny(in, "\n\r\u2028\u2029"); n >= 0 {
		return n
	}
	return len(in)
}
