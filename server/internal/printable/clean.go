package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes one line of at most limit characters of a text, for a log: what does
// not print becomes a space, and an ellipsis stands for what is cut off.
func Line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !Rune(r) {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// Clean makes one plain line of at most limit characters of what a stranger
// sent, for people who decide by it whether to let the stranger in: what could
// deceive them is left out. Angle brackets are too, though every page that shows
// the line escapes it anyway.
func Clean(s string, limit int) string {
	var b strings.Builder
	count, marks, gap := 0, 0, false
	for _, r := range s { // an invalid byte is a U+FFFD
		if unicode.IsSpace(r) {
			gap = count > 0
			continue
		}
		if !plain(r) {
			continue
		}
		if marks = stacked(r, marks); marks > maxStacked {
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
			count++
		}
		if count >= limit {
			break
		}
		b.WriteRune(r)
		count++
	}
	return strings.TrimRight(b.String(), " ")
}

// plain reports whether r shows, and shows only itself: no control or formatting
// character (so no bidirectional override), nothing invisible, no angle bracket.
func plain(r rune) bool {
	switch {
	case r == unicode.ReplacementChar, r == '<', r == '>', r == '\u2800': // the last is an empty Braille cell
		return false
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false
	}
	return unicode.IsGraphic(r)
}

// maxStacked is how many marks a letter may carry; more would paint over the
// lines above and below.
const maxStacked = 2

// stacked counts the marks on the letter that r is part of.
func stacked(r rune, before int) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return before + 1
	}
	return 0
}
