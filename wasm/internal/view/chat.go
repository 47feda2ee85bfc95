package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

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
	DrawRename(doc, false, "")
	SetInput(doc, markup.IDRenameInput, label)
	open(dialog)
	if input := doc.ByID(markup.IDRenameInput); input != nil {
		input.Select() // so that typing replaces the old label
	}
}

// DrawRename shows whether the gateway is being asked for the new label, and why it has
// refused one. What was typed stays.
func DrawRename(doc Document, busy bool, problem string) {
	state := markup.FormIdle
	if busy {
		state = markup.FormBusy
	}
	Fill(doc, markup.IDRenameDialog, state, markup.SlotError, problem)
}

// RenameKey returns the key of the session that the open dialog renames, or "".
func RenameKey(doc Document) string {
	if dialog := doc.ByID(markup.IDRenameDialog); dialog != nil && dialog.Flag("open") {
		return dialog.Attr(markup.AttrSessionKey)
	}
	return ""
}

// OpenSettings opens the settings. enter is a markup.Enter… value.
func OpenSettings(doc Document, enter string) {
	dialog := doc.ByID(markup.IDSettingsDialog)
	if dialog == nil {
		return
	}
	for _, radio := range dialog.Find("name", markup.FieldEnter) {
		radio.SetChecked(radio.Attr("value") == enter)
	}
	dialog.Open()
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
