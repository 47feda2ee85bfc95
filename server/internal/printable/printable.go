// Package printable has the rules for the characters in texts that come from outside:
// names, labels, ids and tokens. All such rules are here, so that a rule is changed in
// one place.
//
// [Text], [ASCII] and [ID] check a text whose sender can correct it. [Clean] and [Line]
// clean a text whose sender cannot. Callers check the lengths of texts, since their
// limits differ: limits for storage count bytes, limits for readers count characters.
// [Cut] shortens a text without splitting what a reader sees as one character.
package printable

import (
	"fmt"
	"strings"
)

// Text reports whether a person may choose s as a name: it has only characters that are
// visible, or that the writing of some language needs (see visible.go).
func Text(s string) bool {
	_, ok := refused(s)
	return !ok
}

// Why is the end of a sentence that refuses s: it names the first character that Text
// does not accept. It is empty if there is none.
func Why(s string) string {
	r, ok := refused(s)
	if !ok {
		return ""
	}
	return fmt.Sprintf("; %U is not accepted here, since it is invisible, reorders text or "+
		"covers other lines", r)
}

// refused returns the first character of s that Text does not accept.
func refused(s string) (r rune, ok bool) {
	for r, allowed := range characters(s) {
		if !allowed {
			return r, true
		}
	}
	return 0, false
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
