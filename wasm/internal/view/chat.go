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
	Limit   int // that the text may have, in bytes
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

// CharactersOver says how many characters a text is too long that is over its limit by
// a number of bytes, rounded up. People count characters, but limits are in bytes: the
// result goes by the average size of the text's characters.
func CharactersOver(text string, bytes int) int64 {
	return int64((bytes*utf8.RuneCountInString(text) + len(text) - 1) / len(text))
}

// charactersLeft says how many more characters like those of text fit into a number
// of bytes, rounded down.
func charactersLeft(text string, bytes int) int64 {
	return int64(bytes * utf8.RuneCountInString(text) / len(text))
}

// SetReplica repeats the composer's text where the style sheet needs it to make the field
// as high as its text.
func SetReplica(doc Document, text string) {
	setAttr(doc.ByID(markup.IDComposerGrow), markup.AttrReplica, text)
}

// SetLoadEarlier shows whether there are earlier messages, and whether they are being
// loaded.
func SetLoadEarlier(doc Document, has, loading bool) {
	setBool(doc.ByID(markup.IDRoot), markup.AttrHasMore, has)
	button := doc.ByID(markup.IDLoadEarlier)
	state := markup.LoadIdle
	if loading {
		state = markup.LoadBusy
	}
	setAttr(button, markup.AttrState, state)
	setFlag(button, "disabled", loading)
}

// SetJumpToLatest shows the button that scrolls to the latest message, or hides it.
func SetJumpToLatest(doc Document, offered bool) {
	setFlag(doc.ByID(markup.IDJumpLatest), "hidden", !offered)
}

// OpenRename opens the dialog that asks for a session's new label.
func OpenRename(doc Document, key, label string) {
	dialog := doc.ByID(markup.IDRenameDialog)
	setAttr(dialog, markup.AttrSessionKey, key)
	if input := doc.ByID(markup.IDRenameInput); input != nil {
		input.SetValue(label)
	}
	open(dialog)
}

// OpenDelete opens the dialog that asks whether to delete a session.
func OpenDelete(doc Document, key, label string) {
	dialog := doc.ByID(markup.IDDeleteDialog)
	setAttr(dialog, markup.AttrSessionKey, key)
	setSlot(dialog, markup.SlotLabel, label)
	open(dialog)
}

// OpenSignOut opens the dialog that asks whether to sign out, with the number of messages
// that are not sent yet.
func OpenSignOut(doc Document, unsent int) {
	dialog := doc.ByID(markup.IDSignOutDialog)
	setSlot(dialog, markup.SlotUnsent, words.Badge(unsent))
	open(dialog)
}

// Input returns the value of the field with that id.
func Input(doc Document, id string) string {
	if field := doc.ByID(id); field != nil {
		return field.Value()
	}
	return ""
}

// SetInput sets the value of the field with that id.
func SetInput(doc Document, id, text string) {
	if field := doc.ByID(id); field != nil && field.Value() != text {
		field.SetValue(text)
	}
}

// Focus moves the keyboard's focus to the element with that id.
func Focus(doc Document, id string) {
	if el := doc.ByID(id); el != nil {
		el.Focus()
	}
}

// BodyText returns the text, without formatting, of the message that an element is in.
func BodyText(inside Element) string {
	if body := first(inside.Closest(markup.AttrMessageID), markup.AttrSlot,
		markup.SlotBody); body != nil {
		return body.Text()
	}
	return ""
}

// CodeOf returns the code of the code block that an element is in.
func CodeOf(inside Element) string {
	block := inside.Closest("data-lang")
	if block == nil {
		return ""
	}
	parts := block.Children()
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1].Text() // the head comes first, then <pre>
}
