package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of at most limit characters, for a log. Each character that
// is not printable becomes a space. If s is too long, the line ends with an ellipsis.
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

// Clean returns s as one plain line of at most limit characters. It is for texts of
// strangers that an admin reads before letting them in, so characters that could deceive
// a reader are left out. Angle brackets are left out as a second defence; pages that show
// the line escape it, too.
func Clean(s string, limit int) string {
	var b strings.Builder
	count, marks, space := 0, 0, false
	for _, r := range s { // an invalid byte becomes U+FFFD
		if unicode.IsSpace(r) {
			space = count > 0
			continue
		}
		if !plain(r) {
			continue
		}
		if marks = stacked(r, marks); marks > maxStacked {
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
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

// plain reports whether r is visible and affects no other character. Control and
// formatting characters (such as bidirectional overrides), invisible characters and angle
// brackets are not plain.
func plain(r rune) bool {
	switch {
	// the last is an empty Braille cell
	case r == unicode.ReplacementChar, r == '<', r == '>', r == '\u2800':
		return false
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false
	}
	return unicode.IsGraphic(r)
}

// maxStacked is how many marks a letter may have. More would overlap the lines above and
// below.
const maxStacked = 2

// stacked returns the number of marks on the letter that r belongs to; before is the
// number so far.
func stacked(r rune, before int) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return before + 1
	}
	return 0
}
