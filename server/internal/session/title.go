package session

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// titleLength limits the label that a session gets from its first message, in characters.
const titleLength = 60

// title returns the label of a session by its first message: the Title of the text, or of
// the first file's name if there is no text.
func (c *change) title(message string, files []File) string {
	switch {
	case strings.TrimSpace(message) == "" && len(files) > 0:
		return Title(files[0].Media.Filename)
	case c.plainLine != nil:
		if line := c.plainLine(message); line != "" {
			message = line
		}
	}
	return Title(message)
}

// Title returns the label of a session by a text: its first line that has words, without
// hidden characters and shortened at a space. For a text without words, Title returns the
// name of a new session.
func Title(text string) string {
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(printable.Line(line, len(line)+1)), " ")
		if line != "" {
			return shortenAtSpace(line, titleLength)
		}
	}
	return words.NewSession
}

// shortenAtSpace returns s with at most limit characters, shortened at a space if that
// leaves more than half of s.
func shortenAtSpace(s string, limit int) string {
	short := printable.Shorten(s, limit)
	if short == s {
		return s
	}
	short = strings.TrimSuffix(short, "…")
	if i := strings.LastIndexByte(short, ' '); i > len(short)/2 {
		short = short[:i]
	}
	return short + "…"
}
