// Package text is the few functions of package strings that the browser's client
// needs. Package strings brings package unicode's tables along, 8 KB of the
// download; these do not.
package text

import "unsafe"

// HasPrefix reports whether s begins with prefix.
func HasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}

// HasSuffix reports whether s ends with suffix.
func HasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

// CutPrefix gives what follows prefix in s, and whether s begins with it; if it
// does not, all of s.
func CutPrefix(s, prefix string) (after string, found bool) {
	if !HasPrefix(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// TrimPrefix is s without prefix at its beginning.
func TrimPrefix(s, prefix string) string {
	after, _ := CutPrefix(s, prefix)
	return after
}

// Contains reports whether part stands in s. It takes time in the product of
// their lengths.
func Contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

// HasByte reports whether c stands in s.
func HasByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

// TrimAround is s without any of the parts at its beginning and end.
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

// A Builder is a text that grows at its end without being copied each time.
type Builder struct {
	buf []byte
}

// String gives the text so far. It shares the Builder's memory, of which what is
// written stays as it is.
func (b *Builder) String() string {
	return unsafe.String(unsafe.SliceData(b.buf), len(b.buf)) // #nosec G103 -- bytes that a text shows are never written again
}

// Reset makes the text empty; texts it gave stay as they are.
func (b *Builder) Reset() { b.buf = nil }

// Write appends s.
func (b *Builder) Write(s string) { b.buf = append(b.buf, s...) }

// Cap is how many bytes the text may have before it is copied again.
func (b *Builder) Cap() int { return cap(b.buf) }
