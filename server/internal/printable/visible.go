package printable

import (
	"iter"
	"unicode"
)

// Most characters without a glyph can hide or reorder text, so that two names look alike
// or a name looks like another one. Some of them are part of ordinary writing, though, and
// are allowed where they are:
//   - a zero width joiner between two emoji (a family, a flag), or after a letter or mark
//     of a script whose letters join (Persian, Hindi, Malayalam);
//   - a zero width non-joiner between two letters or marks of such a script;
//   - a variation selector after a character that has variants: emoji, digits, symbols,
//     Han (variants of Japanese names), Mongolian;
//   - tags after a black flag (the flags of England, Scotland, Wales);
//   - spaces of any width (no-break spaces, the ideographic space).

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
	blackFlag = '\U0001f3f4'
	cancelTag = '\U000e007f'
)

// maxStacked limits the marks on a letter. The writing of no language needs more, and more
// would cover the lines above and below.
const maxStacked = 4

// joining are the scripts in which joiners change the shape of letters. In other scripts
// a joiner is invisible.
var joining = []*unicode.RangeTable{
	unicode.Adlam, unicode.Arabic, unicode.Balinese, unicode.Bengali, unicode.Brahmi,
	unicode.Chakma, unicode.Devanagari, unicode.Grantha, unicode.Gujarati, unicode.Gurmukhi,
	unicode.Hanifi_Rohingya, unicode.Javanese, unicode.Kannada, unicode.Khmer,
	unicode.Malayalam, unicode.Mandaic, unicode.Manichaean, unicode.Meetei_Mayek,
	unicode.Mongolian, unicode.Myanmar, unicode.Newa, unicode.Nko, unicode.Oriya,
	unicode.Phags_Pa, unicode.Sharada, unicode.Sinhala, unicode.Sundanese, unicode.Syriac,
	unicode.Tai_Tham, unicode.Tamil, unicode.Telugu, unicode.Tibetan, unicode.Tirhuta,
}

// varying are the letters that have variants. Characters that are no letters may have
// variants, too.
var varying = []*unicode.RangeTable{
	unicode.Han, unicode.Manichaean, unicode.Mongolian, unicode.Myanmar, unicode.Phags_Pa,
}

// fillers are letters and symbols that show nothing, or a space: fillers of Hangul
// syllables, and the empty Braille cell.
var fillers = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x115f, Hi: 0x1160, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1},
	{Lo: 0x3164, Hi: 0x3164, Stride: 1}, {Lo: 0xffa0, Hi: 0xffa0, Stride: 1},
}}

// reserved are the characters that later versions of Unicode will define as emoji and
// Chinese characters. Browsers often know a newer version than Go does.
var reserved = &unicode.RangeTable{R32: []unicode.Range32{
	{Lo: 0x1f000, Hi: 0x1faff, Stride: 1},
	{Lo: 0x20000, Hi: 0x2fffd, Stride: 1}, {Lo: 0x30000, Hi: 0x3fffd, Stride: 1},
}}

// characters iterates over the characters of s, and says of each whether it is allowed.
func characters(s string) iter.Seq2[rune, bool] {
	return func(yield func(rune, bool) bool) {
		text := []rune(s) // an invalid byte becomes U+FFFD
		flagEnd := 0      // the index after the tags of the last flag
		marks := 0        // on the last letter
		for i, r := range text {
			if r == blackFlag {
				flagEnd = i + 1 + tags(text[i+1:])
			}
			if !unicode.In(r, unicode.Mn, unicode.Me) {
				marks = 0
			} else if !unicode.Is(unicode.Variation_Selector, r) {
				marks++
			}
			ok := i < flagEnd || marks <= maxStacked && allowed(text, i)
			if !yield(r, ok) {
				return
			}
		}
	}
}

// allowed reports whether text[i] is visible, or needed where it is.
func allowed(text []rune, i int) bool {
	r, before, after := text[i], rune(0), rune(0)
	if i > 0 {
		before = text[i-1]
	}
	if i+1 < len(text) {
		after = text[i+1]
	}
	switch {
	case r == joiner:
		return joins(text[:i]) || emoji(after) && emoji(lastVisible(text[:i]))
	case r == nonJoiner:
		return joins(text[:i]) && unicode.In(after, unicode.L, unicode.M)
	case unicode.Is(unicode.Variation_Selector, r):
		return varies(before)
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, fillers):
		return false
	case r == '\u034f', r == '\u17b4', r == '\u17b5': // marks that show nothing
		return false
	}
	return unicode.IsGraphic(r) || unicode.In(r, unicode.Prepended_Concatenation_Mark, reserved)
}

// joins reports whether the last character of text belongs to a script whose letters
// join. Marks that several scripts have count by their letter.
func joins(text []rune) bool {
	for i := len(text) - 1; i >= 0; i-- {
		if !unicode.Is(unicode.Inherited, text[i]) || !unicode.Is(unicode.M, text[i]) {
			return unicode.In(text[i], unicode.L, unicode.M) && unicode.In(text[i], joining...)
		}
	}
	return false
}

// varies reports whether r can have variants.
func varies(r rune) bool {
	if unicode.IsLetter(r) && r != '\u2139' { // ℹ is a letter and an emoji
		return unicode.In(r, varying...)
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S, reserved) &&
		r != unicode.ReplacementChar
}

// lastVisible returns the last character of text before its variation selectors and tags;
// 0 if there is none.
func lastVisible(text []rune) rune {
	for i := len(text) - 1; i >= 0; i-- {
		if r := text[i]; !unicode.Is(unicode.Variation_Selector, r) &&
			(r < '\U000e0020' || r > cancelTag) {
			return r
		}
	}
	return 0
}

// emoji reports whether a joiner may combine r with another emoji. Not each symbol is an
// emoji; between two symbols that are none, the joiner is still invisible, but hides
// nothing.
func emoji(r rune) bool {
	return unicode.In(r, unicode.So, reserved) && r != unicode.ReplacementChar ||
		r == '\u2194' || r == '\u2195'
}

// tags returns the number of tags at the beginning of text that make a flag; 0 if they
// make none.
func tags(text []rune) int {
	for i, r := range text {
		switch {
		case r == cancelTag && i > 0:
			return i + 1
		case r < '\U000e0030' || r > '\U000e007a':
			return 0
		}
	}
	return 0
}
