package view

import (
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Composer is what the composer, the form for writing messages, shows beside the text.
type Composer struct {
	Running bool // an answer is being written and can be stopped
	Text    string
	Limit   int // maximum length of the text, in bytes
}

// DrawComposer shows the form's state. It shows how much room is left once 9 tenths
// of the limit are used.
func DrawComposer(doc Document, c Composer) {
	state := markup.ComposerIdle
	if c.Running {
		state = markup.ComposerRunning
	}
	setAttr(doc.ByID(markup.IDComposer), markup.AttrState, state)
	note := doc.ByID(markup.IDComposerLimit)
	switch left := c.Limit - len(c.Text); {
	case left < 0:
		setAttr(note, markup.AttrState, markup.LimitOver)
		setText(note, words.Count(CharactersOver(c.Text, -left),
			"character")+" too long: send it in parts")
	case left < c.Limit/10:
		setAttr(note, markup.AttrState, markup.LimitNear)
		setText(note, words.Count(charactersLeft(c.Text, left), "character")+" left")
	default:
		setAttr(note, markup.AttrState, markup.LimitNear)
		setText(note, "")
	}
}

// CharactersOver converts the number of bytes by which a text is too long into characters,
// rounded up. People count characters, but limits are in bytes: the result assumes that every
// character has the average size of the text's characters.
func CharactersOver(text string, bytes int) int64 {
	return int64((bytes*utf8.RuneCountInString(text) + len(text) - 1) / len(text))
}

// charactersLeft returns how many characters of the average size of those in text fit into a
// number of bytes, rounded down.
func charactersLeft(text string, bytes int) int64 {
	return int64(bytes * utf8.RuneCountInString(text) / len(text))
}

// SetReplica repeats the composer's text where the style sheet needs it to make the field
// as high as its text.
func SetReplica(doc Document, text string) {
	setAttr(doc.ByID(markup.IDComposerGrow), markup.AttrReplica, text)
}
