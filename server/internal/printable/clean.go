package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// Line returns s as one line of at most limit characters, for a log. Each character that
// is not printable becomes a space. If s is too long, the line ends with an ellipsis.
func Line(s string, limit int) string {
	var b strings.Builder
	for r, ok := range characters(s) {
		if !ok || r == utf8.RuneError {
			r = ' '
		}
		b.WriteRune(r)
	}
	return Shorten(b.String(), limit)
}

// Shorten returns s if it has at most limit characters. Otherwise it returns the
// beginning of s with an ellipsis, which have at most limit characters together.
func Shorten(s string, limit int) string {
	if short := Cut(s, limit-1); len(short) < len(s) && utf8.RuneCountInString(s) > limit {
		return short + "…"
	}
	return s
}

// Cut returns the longest beginning of s that has at most limit characters (Unicode code
// points) and splits nothing that a reader sees as one character: a letter with its
// marks, or an emoji of several parts (a grapheme cluster, UAX #29).
func Cut(s string, limit int) string { return cut(s, limit, utf8.RuneCountInString) }

// CutBytes is Cut with a limit in bytes.
func CutBytes(s string, limit int) string {
	return cut(s, limit, func(s string) int { return len(s) })
}

func cut(s string, limit int, length func(string) int) string {
	end, count := 0, 0
	for g := graphemes.FromString(s); g.Next(); end = g.End() {
		if count += length(g.Value()); count > limit {
			return strings.TrimRight(s[:end], string(nonJoiner))
		}
	}
	return s
}

// Clean returns s as one plain line of at most limit characters, without the characters
// that Text does not accept. It is for texts of strangers that an admin reads before
// letting them in. Angle brackets are left out as a second defence; pages that show the
// line escape it, too.
func Clean(s string, limit int) string {
	return Plain(strings.NewReplacer("<", "", ">", "").Replace(s), limit)
}

// Plain is Clean for texts that keep their angle brackets.
func Plain(s string, limit int) string {
	for {
		// What follows a character that is left out may then have no place either.
		before := s
		if s = plainOnce(s, limit); s == before {
			return s
		}
	}
}

func plainOnce(s string, limit int) string {
	var b strings.Builder
	for r, ok := range characters(s) {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case ok && r != utf8.RuneError:
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(Cut(strings.Join(strings.Fields(b.String()), " "), limit), " ")
}
