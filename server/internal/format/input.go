package format

import (
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// An input cleans pieces of text, cut anywhere, for the splitter and the parser: to
// valid UTF-8 without NUL, in which every line ends with "\n". The joined results do
// not depend on where the text was cut.
type input struct {
	rest  string // the start of a rune that is incomplete, at most 3 bytes
	wasCR bool   // the last byte was a CR, for which "\n" was returned already
}

// next returns the cleaned text that a piece adds.
func (in *input) next(piece string) string {
	if in.rest != "" {
		piece = in.rest + piece
	}
	cut := len(piece) - text.PartialRune(piece)
	in.rest = strings.Clone(piece[cut:])
	return in.clean(piece[:cut])
}

// end returns the cleaned rest of the text: a rune that was never completed.
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
		// Each bad byte becomes one U+FFFD, so that it does not matter where the text was cut.
		text = string([]rune(text))
	}
	return text
}
