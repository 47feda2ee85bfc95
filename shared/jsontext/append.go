// Package jsontext reads and writes JSON (RFC 8259) without reflection, so that
// a WebAssembly client links neither encoding/json nor fmt.
//
// The generated codecs of package protocol are built on it: Append functions write
// text, a Decoder reads it, and a Layout maps a struct's fields to JSON. The codecs
// agree with encoding/json on text whose names are unique, match in case and are valid
// UTF-8; a test of package protocol checks that.
package jsontext

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not valid UTF-8 become
// U+FFFD, as with encoding/json, so the result is always valid. U+2028 and U+2029 are
// escaped; <, > and & are not.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= 0x20 && b < utf8.RuneSelf && b != '"' && b != '\\' {
			i++
			continue
		}
		if b < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, b)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// shortEscapes are pairs of a character and the letter that escapes it.
const shortEscapes = "\"\"\\\\\bb\ff\nn\rr\tt"

func appendEscaped(dst []byte, b byte) []byte {
	for i := 0; i < len(shortEscapes); i += 2 {
		if shortEscapes[i] == b {
			return append(dst, '\\', shortEscapes[i+1])
		}
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
}

// AppendInt appends n in decimal.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// AppendBool appends true or false.
func AppendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// AppendRaw appends v unchanged, or null if v is empty.
func AppendRaw(dst []byte, v Raw) []byte {
	if len(v) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, v...)
}

// Raw is JSON text that is passed on without being decoded, like
// encoding/json.RawMessage.
type Raw []byte

// MarshalJSON returns the text itself, or null if it is empty.
func (r Raw) MarshalJSON() ([]byte, error) { return AppendRaw(nil, r), nil }

// UnmarshalJSON keeps a copy of the text.
func (r *Raw) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}
