// Package printable says which characters the texts that people and programs give
// to things may have: names, labels, ids, tokens. All checks are here, so that a
// rule is changed in one place.
//
// A check (Text, ASCII, ID) refuses a text as it is, for callers who can correct
// it. A cleaning (Clean, Line) makes the best of a text whose sender cannot be
// asked. Lengths are the callers' business: they differ, and count bytes where
// something is stored and characters where somebody reads.
package printable

import (
	"strings"
	"unicode"
)

// Rune reports whether a character prints: letters, marks, numbers, punctuation,
// symbols, and of all spaces only the ASCII space. Control characters and those
// that show nothing or turn the direction of writing do not print.
func Rune(r rune) bool { return unicode.IsPrint(r) }

// Text reports whether every character of s prints.
func Text(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !Rune(r) })
}

// ASCII reports whether s is visible ASCII without spaces, as tokens are.
func ASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// ID reports whether s is an id that clients may choose: letters and digits of
// ASCII and . _ : @ -, at least one of them.
func ID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._:@-", r))
	})
}
