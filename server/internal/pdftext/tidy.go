package pdftext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// presentation are characters for the shapes of letters: ligatures and the forms of
// Arabic letters. Models and people write the letters.
var presentation = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0xfb00, Hi: 0xfdff, Stride: 1}, {Lo: 0xfe70, Hi: 0xfefe, Stride: 1},
}}

var blankLines = regexp.MustCompile(`\n{3,}`)

// tidy returns the text of a page with letters for ligatures, without control characters,
// characters that no font explains and needless white space. A text of which less than
// half is readable is none: such a font shows pictures of letters.
func tidy(text string) string {
	readable, unreadable := 0, 0
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.Is(unicode.Co, r) ||
			unicode.IsControl(r) && r != '\n' && r != '\t' {
			unreadable++
			return -1
		}
		readable++
		return r
	}, text)
	if unreadable > readable {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = letters(strings.Join(strings.Fields(line), " "))
	}
	return strings.TrimSpace(blankLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

// letters replaces the shapes of letters in a line. Whoever draws shapes of Arabic
// letters draws them from left to right, so their order is turned round.
func letters(line string) string {
	if !strings.ContainsFunc(line, func(r rune) bool { return unicode.Is(presentation, r) }) {
		return line
	}
	runes := []rune(line)
	for start := 0; start < len(runes); start++ {
		end, shapes := start, false
		for i := start; i < len(runes) && (rightToLeft(runes[i]) || runes[i] == ' '); i++ {
			shapes = shapes || unicode.Is(presentation, runes[i])
			if runes[i] != ' ' {
				end = i + 1
			}
		}
		if end > start {
			if shapes {
				slices.Reverse(runes[start:end])
			}
			start = end
		}
	}
	var b strings.Builder
	for _, r := range runes {
		if unicode.Is(presentation, r) {
			b.WriteString(norm.NFKC.String(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func rightToLeft(r rune) bool { return unicode.In(r, unicode.Arabic, unicode.Hebrew) }
