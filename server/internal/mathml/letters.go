package mathml

import (
	"strings"
	"unicode"
)

// A font is how letters and digits look. Fonts are Unicode's mathematical alphanumerics,
// since MathML Core has no attribute for them.
type font uint8

const (
	italic font = iota // letters are, by default
	upright
	bold
	boldItalic
	doubleStruck
	script
	fraktur
	sans
	mono
)

// alphabet is where a font's letters and digits are in Unicode; 0: it has none.
type alphabet struct{ capital, small, digit rune }

var alphabets = [...]alphabet{
	bold:         {0x1d400, 0x1d41a, 0x1d7ce},
	boldItalic:   {0x1d468, 0x1d482, 0x1d7ce},
	doubleStruck: {0x1d538, 0x1d552, 0x1d7d8},
	script:       {0x1d49c, 0x1d4b6, 0},
	fraktur:      {0x1d504, 0x1d51e, 0},
	sans:         {0x1d5a0, 0x1d5ba, 0x1d7e2},
	mono:         {0x1d670, 0x1d68a, 0x1d7f6},
}

// olderLetters are those that Unicode had before the alphabets, which have gaps there.
var olderLetters = map[rune]rune{
	0x1d49d: 'ℬ', 0x1d4a0: 'ℰ', 0x1d4a1: 'ℱ', 0x1d4a3: 'ℋ', 0x1d4a4: 'ℐ', 0x1d4a7: 'ℒ', 0x1d4a8: 'ℳ', 0x1d4ad: 'ℛ',
	0x1d4ba: 'ℯ', 0x1d4bc: 'ℊ', 0x1d4c4: 'ℴ', 0x1d506: 'ℭ', 0x1d50b: 'ℌ', 0x1d50c: 'ℑ', 0x1d515: 'ℜ', 0x1d51d: 'ℨ',
	0x1d53a: 'ℂ', 0x1d53f: 'ℍ', 0x1d545: 'ℕ', 0x1d547: 'ℙ', 0x1d548: 'ℚ', 0x1d549: 'ℝ', 0x1d551: 'ℤ',
}

// greek are the letters from Α to Ω and α to ω and their variants, in the order of the
// bold alphabets, which start at 0x1d6a8 (upright) and 0x1d71c (italic).
var greek = []rune("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡϴΣΤΥΦΧΨΩ∇αβγδεζηθικλμνξοπρςστυφχψω∂ϵϑϰϕϱϖ")

// in returns a letter or digit in a font; others stay as they are.
func (f font) in(r rune) rune {
	a := alphabets[f]
	styled := r
	switch {
	case f == italic || f == upright:
	case r >= 'A' && r <= 'Z':
		styled = a.capital + r - 'A'
	case r >= 'a' && r <= 'z':
		styled = a.small + r - 'a'
	case r >= '0' && r <= '9' && a.digit != 0:
		styled = a.digit + r - '0'
	case f == bold || f == boldItalic:
		for i, letter := range greek {
			if letter == r {
				return map[font]rune{bold: 0x1d6a8, boldItalic: 0x1d71c}[f] + rune(i)
			}
		}
	}
	if older, ok := olderLetters[styled]; ok {
		return older
	}
	return styled
}

// identifier returns a name in a font. A name of one letter would be italic otherwise.
func (f font) identifier(name string) string {
	styled := strings.Map(f.in, name)
	if styled == name && f != italic && len([]rune(name)) == 1 {
		return `<mi mathvariant="normal">` + escape(name) + "</mi>"
	}
	return "<mi>" + escape(styled) + "</mi>"
}

// number returns digits in a font.
func (f font) number(digits string) string {
	return "<mn>" + strings.Map(f.in, digits) + "</mn>"
}

// isLetter reports whether a character is a variable in a formula, rather than a word.
func isLetter(r rune) bool {
	return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew) && unicode.IsLetter(r) ||
		r >= 0x1d400 && r <= 0x1d7ff || r >= 0x2100 && r <= 0x214f && unicode.IsLetter(r) || r == '∂' || r == '∞' || r == 'ℓ'
}
