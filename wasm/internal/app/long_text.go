package app

import (
	"strconv"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// longText is the text in the composer that is too long for a message, and may become a
// file. Usually it was pasted, and what was typed around it stays in the composer.
type longText struct {
	before    string // the composer's text before its last change
	inserted  string // what was inserted when the text became too long; "" for all of it
	attaching string // the text that is becoming a file
}

// changed notes that the composer's text is another one. byUser says that the user has typed
// or pasted.
func (l *longText) changed(text string, byUser bool) {
	switch tooLong := len(text) > protocol.MaxMessageBytes; {
	case !tooLong || !byUser:
		l.inserted = ""
	case len(l.before) <= protocol.MaxMessageBytes:
		l.inserted = insertedText(l.before, text)
	}
	l.before = text
}

// insertedText returns what was inserted into before to make after.
func insertedText(before, after string) string {
	start := 0
	for start < len(before) && start < len(after) && before[start] == after[start] {
		start++
	}
	for start > 0 && start < len(after) && !utf8.RuneStart(after[start]) {
		start--
	}
	end := 0
	for end < len(before)-start && end < len(after)-start &&
		before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	for end > 0 && !utf8.RuneStart(after[len(after)-end]) {
		end--
	}
	return after[start : len(after)-end]
}

// cutText removes the first occurrence of part from s. found is false if there is none.
func cutText(s, part string) (rest string, found bool) {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return s[:i] + s[i+len(part):], true
		}
	}
	return s, false
}

// attachText turns the text that is too long into a file. The text stays in the composer
// until the file is attached.
func (c *chat) attachText() {
	text := view.Input(c.doc, markup.IDComposerInput)
	part := c.longText.inserted
	if _, found := cutText(text, part); part == "" || !found {
		part = text
	}
	if trim(part) == "" || !c.mayWrite() || c.shown.other != nil && c.shown.other.note {
		return
	}
	if len(c.attachments.files) == protocol.MaxMedia {
		c.problem("A message takes at most " + words.Number(protocol.MaxMedia) +
			" files. Remove one first.")
		return
	}
	c.longText.attaching = part
	c.browser.AttachText(c.textFileName(), part)
}

// textFileName returns a name for a text file that no other attached file has.
func (c *chat) textFileName() string {
	name := "pasted-text.txt"
	for n := 2; c.hasFile(name); n++ {
		name = "pasted-text-" + strconv.Itoa(n) + ".txt"
	}
	return name
}

func (c *chat) hasFile(name string) bool {
	for i := range c.attachments.files {
		if c.attachments.files[i].Media.Filename == name {
			return true
		}
	}
	return false
}

// textAttached removes a text from the composer that was attached as this file.
func (c *chat) textAttached(f *protocol.Attachment) {
	part := c.longText.attaching
	if part == "" || int64(len(part)) != f.Media.Size {
		return
	}
	c.longText.attaching = ""
	if rest, found := cutText(view.Input(c.doc, markup.IDComposerInput), part); found {
		c.setInput(trim(rest))
		c.compose()
	}
}

// waysToShorten says what to do with a text that is too long for a message.
func (c *chat) waysToShorten() string {
	if c.shown.other != nil && c.shown.other.note {
		return "Write several notes."
	}
	return "Attach it as a file, or send it in parts."
}
