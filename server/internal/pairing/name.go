package pairing

import (
	"strings"
	"unicode"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Name is what people call a device that asks to be paired: the name that it gives
// itself, or else its browser (words.Browser). The name is cleaned: one line of at
// most protocol.MaxDeviceNameLength characters, without control characters,
// formatting characters or angle brackets. A name that is only a number or an id
// is ignored. Either may be a lie.
func Name(userAgent, deviceName string) string {
	if name := clean(deviceName, protocol.MaxDeviceNameLength); name != "" && !idLike(name) {
		return name
	}
	return words.Browser(clean(userAgent, maxUserAgent))
}

// idLike reports whether a name is one for machines: eight or more characters,
// all of them digits, hexadecimal letters or what separates groups of these.
func idLike(name string) bool {
	digit := false
	for _, r := range name {
		switch {
		case '0' <= r && r <= '9':
			digit = true
		case !strings.ContainsRune("abcdefABCDEF-_:.{} ", r):
			return false
		}
	}
	return digit && len(name) >= 8
}

// clean makes one plain line of at most limit characters of what a stranger
// sent. Angle brackets go too, though all that show the line escape it anyway.
func clean(s string, limit int) string {
	var b strings.Builder
	count, marks, gap := 0, 0, false
	for _, r := range s { // an invalid byte is a U+FFFD
		if unicode.IsSpace(r) {
			gap = count > 0
			continue
		}
		if !showable(r) {
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

// showable reports whether r shows, and shows only itself: no control or
// formatting character (so no bidirectional override), nothing invisible.
func showable(r rune) bool {
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
