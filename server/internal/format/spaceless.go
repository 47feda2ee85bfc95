package format

import (
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// CommonMark tells the two ends of emphasis apart by spaces and punctuation around the
// marks. Text that is written without spaces between words has to be treated otherwise:
// see https://github.com/tats-u/markdown-cjk-friendly/blob/main/specification.md, whose
// "CJK characters" are the wide ones here.

// spaceless reports whether no space has to be between a character and an emphasised
// word beside it: the character belongs to a script that has no spaces between words, or
// in which particles and prefixes stick to words.
func spaceless(r rune) bool {
	return r > unicode.MaxLatin1 && (wide(r) || unicode.In(r, unicode.Hangul, unicode.Thai, unicode.Lao,
		unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Arabic, unicode.Hebrew))
}

// wide reports whether a character is Chinese or Japanese, or punctuation or a letter of
// their width. Emoji are as wide, but are not.
func wide(r rune) bool {
	switch {
	case r >= 0xe0100 && r <= 0xe01ef: // ideographic variation selectors
		return true
	case r >= 0x2190 && r < 0x2e80, r >= 0x1f000 && r < 0x1fc00: // arrows and signs, emoji
		return false
	}
	switch util.EastAsianWidth(r) {
	case "W", "F", "H":
		return true
	}
	return false
}

// precedingRune returns the last character of text that has a shape of its own; "\n" if
// there is none.
func precedingRune(text []byte) rune {
	for len(text) > 0 {
		r, size := utf8.DecodeLastRune(text)
		if r < 0xfe00 || r > 0xfe0e { // variation selectors
			return r
		}
		text = text[:len(text)-size]
	}
	return '\n'
}

// joinsLines reports whether no space may take the place of the line break after a text:
// Chinese and Japanese have none, wherever the line was broken.
func joinsLines(text *ast.Text, source []byte) bool {
	before, after := edge(text, source, true), edge(text.NextSibling(), source, false)
	return wide(before) && wide(after) && !unicode.In(before, unicode.Hangul) &&
		!unicode.In(after, unicode.Hangul)
}

// edge returns the last or first character that a node shows; 0 if that is not known.
func edge(node ast.Node, source []byte, last bool) rune {
	for node != nil {
		if text, ok := node.(*ast.Text); ok {
			value := text.Segment.Value(source)
			switch {
			case len(value) == 0 && last:
				node = text.PreviousSibling() // the break follows what is not a text
				continue
			case last:
				return precedingRune(value)
			}
			r, _ := utf8.DecodeRune(value)
			return r
		}
		if last {
			node = node.LastChild()
		} else {
			node = node.FirstChild()
		}
	}
	return 0
}
