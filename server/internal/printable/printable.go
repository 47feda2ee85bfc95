// Package printable has the rules for the characters in texts that come from outside:
// names, labels, ids and tokens. All such rules are here, so that a rule is changed in
// one place.
//
// [Text], [ASCII] and [ID] check a text whose sender can correct it. [Clean] and [Line]
// clean a text whose sender cannot. Callers check the lengths of texts, since their
// limits differ: limits for storage count bytes, limits for readers count characters.
package printable

import (
	"strings"
	"unicode"
)

// Rune reports whether r is printable: a letter, mark, number, punctuation mark or
// symbol, or the ASCII space. Control characters, other spaces, invisible characters and
// those that change the writing direction are not.
func Rune(r rune) bool { return unicode.IsPrint(r) }

// Text reports whether every character of s is printable.
func Text(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !Rune(r) })
}

// ASCII reports whether s consists of visible ASCII characters without spaces, as tokens
// do.
func ASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// ID reports whether s is an id that a client may choose: one or more ASCII letters,
// digits and the characters . _ : @ -
func ID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
			strings.ContainsRune("._:@-", r))
	})
}
