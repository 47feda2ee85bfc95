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
// of the limit are used, and offers to attach a text that is too long as a file.
func DrawComposer(doc Document, c Composer) {
	state := markup.ComposerIdle
	if c.Running {
		state = markup.ComposerRunning
	}
	setAttr(doc.ByID(markup.IDComposer), markup.AttrState, state)
	left := c.Limit - len(c.Text)
	room := ""
	if left >= 0 && left < c.Limit/10 {
		room = words.Count(charactersLeft(c.Text, left), "character") + " left"
	}
	setText(doc.ByID(markup.IDComposerLimit), room)
	long := doc.ByID(markup.IDComposerLong)
	if left < 0 {
		setSlot(long, markup.SlotExcess, Excess(c.Text, c.Limit))
	}
	setFlag(long, "hidden", left >= 0)
}

// Excess writes by how much a text is longer than limit bytes.
func Excess(text string, limit int) string {
	return words.Length(charactersOver(text, len(text)-limit))
}

// charactersOver converts the number of bytes by which a text is too long into characters,
// rounded up. People count characters, but limits are in bytes: the result assumes that every
// character has the average size of the text's characters.
func charactersOver(text string, bytes int) int64 {
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
