package format

import (
	"strings"
	"unicode/utf8"
)

// An input turns pieces of text, cut anywhere, into what the splitter and the
// parser read: valid UTF-8 whose only line end is "\n" and that holds no NUL.
// The pieces' joined result does not depend on where they were cut.
type input struct {
	rest  string // the start of a rune whose end has not come yet, at most 3 bytes
	wasCR bool   // the last byte was a CR, already given as "\n"
}

// next returns what text adds.
func (in *input) next(text string) string {
	if in.rest != "" {
		text = in.rest + text
	}
	cut := len(text) - unfinished(text)
	in.rest = strings.Clone(text[cut:])
	return in.clean(text[:cut])
}

// end returns what was still held back: a rune that was never finished.
func (in *input) end() string {
	rest := in.rest
	in.rest = ""
	return in.clean(rest)
}

func (in *input) clean(text string) string {
	if text == "" {
		return ""
	}
	if in.wasCR && text[0] == '\n' {
		text = text[1:]
	}
	in.wasCR = strings.HasSuffix(text, "\r")
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	if !utf8.ValidString(text) {
		// One U+FFFD a byte: a run of bad bytes gives the same however it was cut.
		text = string([]rune(text))
	}
	return text
}

// unfinished returns how many bytes at the end of text are the start of a rune
// that may go on in the next piece.
func unfinished(text string) int {
	for n := 1; n <= min(len(text), utf8.UTFMax-1); n++ {
		tail := text[len(text)-n:]
		if !utf8.RuneStart(tail[0]) {
			continue
		}
		if utf8.FullRuneInString(tail) {
			return 0
		}
		return n
	}
	return 0
}
