package config

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may nest. The keys need four.
const maxDepth = 32

// A slip is a fault in the text itself, found before it is parsed.
type slip struct {
	off     int
	problem string
}

// A blanker overwrites with spaces what carries no meaning: comments, and the
// white space that the JSON5 library does not know. Offsets stay as they were.
// What is left has no comments, texts that end, and bounded nesting.
type blanker struct {
	in    []byte
	clean []byte // in, blanked
	off   int
	open  []int // offsets of the brackets not closed yet
	slips []slip
	hash  bool // a # was reported already
}

// blank returns the blanked text, the offset of the innermost bracket that is
// never closed (-1 if there is none), and the slips in their order. After a
// slip that leaves the rest without meaning, the rest is not looked at.
func blank(in []byte) (clean []byte, unclosed int, slips []slip) {
	b := blanker{in: in, clean: bytes.Clone(in)}
	for b.off < len(in) && b.next() {
	}
	b.checkBraces()
	slices.SortFunc(b.slips, func(x, y slip) int { return cmp.Compare(x.off, y.off) })
	unclosed = -1
	if n := len(b.open); n > 0 {
		unclosed = b.open[n-1]
	}
	return b.clean, unclosed, b.slips
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
			return b.stop(fmt.Sprintf("lists and objects nest deeper than %d here; no key needs that", maxDepth))
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

// stop records a slip after which nothing can be said.
func (b *blanker) stop(problem string) bool {
	b.slips = append(b.slips, slip{b.off, problem})
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

// character passes one character on, or blanks it if it is white space.
func (b *blanker) character(rest []byte) {
	r, n := utf8.DecodeRune(rest)
	if r == '\v' || r == '\f' || r >= utf8.RuneSelf && (unicode.Is(unicode.Z, r) || r == '\ufeff') {
		b.erase(n)
		return
	}
	b.off += n
}

// hashComment treats what a # begins as the comment it was meant to be.
func (b *blanker) hashComment(n int) {
	if !b.hash {
		b.slips = append(b.slips, slip{b.off, "this is not JSON5: a comment begins with //, not with #; write // in place of every such #"})
	}
	b.hash = true
	b.erase(n)
}

// checkBraces adds the slip of a file that begins with a key.
func (b *blanker) checkBraces() {
	text := bytes.TrimLeft(b.clean, " \t\r\n")
	n := keyLength(text)
	if n <= 0 || !bytes.HasPrefix(bytes.TrimLeft(text[n:], " \t\r\n"), []byte(":")) {
		return
	}
	b.slips = append(b.slips, slip{len(b.clean) - len(text), "this is not JSON5: the outer braces are missing; " +
		"put a { before this key and a } at the end of the file, as in { " + shorten(string(text[:n])) + ": … }"})
}

// keyLength returns the length of the key, bare or quoted, that text begins
// with, or a number below 1.
func keyLength(text []byte) int {
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		return textLength(text)
	}
	return len(text) - len(bytes.TrimLeft(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-"))
}

// textLength returns the length of the quoted text that in begins with, its
// quotes included, or -1 if it does not end on its line. A line break after a
// backslash belongs to the text.
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

// lineLength returns how far it is to the end of the line, without its break.
func lineLength(in []byte) int {
	if n := bytes.IndexAny(in, "\n\r\u2028\u2029"); n >= 0 {
		return n
	}
	return len(in)
}
