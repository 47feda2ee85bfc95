// Package text has the few functions of package strings that the browser's client
// needs. Package strings links the tables of package unicode, 8 KB of the download;
// this package does not. It also has [PartialRune], for texts that come in pieces.
package text

import (
	"unicode/utf8"
	"unsafe"
)

// HasPrefix reports whether s begins with prefix.
func HasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}

// HasSuffix reports whether s ends with suffix.
func HasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

// CutPrefix returns s without prefix and reports whether s begins with prefix. If s
// does not, CutPrefix returns s unchanged.
func CutPrefix(s, prefix string) (after string, found bool) {
	if !HasPrefix(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// TrimPrefix returns s without prefix.
func TrimPrefix(s, prefix string) string {
	after, _ := CutPrefix(s, prefix)
	return after
}

// Contains reports whether substr is within s. It takes up to len(s) × len(substr)
// steps.
func Contains(s, substr string) bool {
	for i := 0; i+len(substr) <= len(s); i++ {
		if s[i:i+len(substr)] == substr {
			return true
		}
	}
	return false
}

// HasByte reports whether c is within s.
func HasByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

// TrimAround removes all of the parts from the beginning and the end of s, in any
// order and as often as they occur.
func TrimAround(s string, parts ...string) string {
	for again := true; again; {
		again = false
		for _, p := range parts {
			for p != "" && HasPrefix(s, p) {
				s, again = s[len(p):], true
			}
			for p != "" && HasSuffix(s, p) {
				s, again = s[:len(s)-len(p)], true
			}
		}
	}
	return s
}

// A Builder builds a string by appending, without copying all of it each time.
type Builder struct {
	buf []byte
}

// String returns the string so far. It shares the Builder's memory; bytes once written
// are never changed.
func (b *Builder) String() string {
	return unsafe.String(unsafe.SliceData(b.buf), len(b.buf)) // #nosec G103 -- bytes that a string shows are never written again
}

// Reset empties the Builder. Strings that it returned before stay valid.
func (b *Builder) Reset() { b.buf = nil }

// Write appends s.
func (b *Builder) Write(s string) { b.buf = append(b.buf, s...) }

// Cap returns the number of bytes that the string may have before it is copied.
func (b *Builder) Cap() int { return cap(b.buf) }

// PartialRune returns how many bytes at the end of s are the beginning of a character
// whose other bytes are missing, at most 3. It returns 0 for bytes that begin no
// character.
func PartialRune[T string | []byte](s T) int {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if tail := s[len(s)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune([]byte(tail)) {
				return 0
			}
			return n
		}
	}
	return 0
}
