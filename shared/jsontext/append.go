// Package jsontext reads and writes JSON (RFC 8259) without reflection, so that
// a WebAssembly client links neither encoding/json nor fmt.
//
// It is the runtime beneath the generated codecs of package protocol: Append
// functions build text, a Decoder walks it. On text with exact-case, unique
// names and valid UTF-8 the codecs agree with encoding/json; a test of package
// protocol holds them to it.
package jsontext

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not valid UTF-8
// become U+FFFD, as encoding/json does, so that the result is always valid.
// U+2028 and U+2029 are escaped; <, > and & are not.
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

// short are the escapes of one letter, each behind what it stands for.
const short = "\"\"\\\\\bb\ff\nn\rr\tt"

func appendEscaped(dst []byte, b byte) []byte {
	for i := 0; i < len(short); i += 2 {
		if short[i] == b {
			return append(dst, '\\', short[i+1])
		}
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
}

// AppendInt appends n in decimal.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// AppendBool appends true or false.
func AppendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// AppendRaw appends v as it is, or null when it is empty.
func AppendRaw(dst []byte, v Raw) []byte {
	if len(v) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, v...)
}

// Raw is JSON text passed through unread. encoding/json treats it as a
// RawMessage.
type Raw []byte

// MarshalJSON gives the text itself; empty text is null.
func (r Raw) MarshalJSON() ([]byte, error) { return AppendRaw(nil, r), nil }

// UnmarshalJSON keeps a copy of the text.
func (r *Raw) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}
