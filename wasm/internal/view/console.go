package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// WriteTimes writes the times below an element that are of a kind, a markup.Time… value.
// text formats a time.
func WriteTimes(within Element, kind string, text func(protocol.Time) string) {
	for _, el := range within.Find(markup.AttrTime, kind) {
		if at, ok := protocol.ParseTime(el.Attr("datetime")); ok {
			setText(el, text(at))
		}
	}
}

// Fill sets the state of the element with that id, and the slots below it: names and
// texts in turn.
func Fill(doc Document, id, state string, slots ...string) {
	el := doc.ByID(id)
	setAttr(el, markup.AttrState, state)
	for i := 0; i+1 < len(slots); i += 2 {
		setSlot(el, slots[i], slots[i+1])
	}
}

// State returns the state of the element with that id.
func State(doc Document, id string) string {
	if el := doc.ByID(id); el != nil {
		return el.Attr(markup.AttrState)
	}
	return ""
}

// Slot returns the text of the first slot with that name below an element.
func Slot(el Element, slot string) string {
	if el = first(el, markup.AttrSlot, slot); el != nil {
		return el.Text()
	}
	return ""
}

// Field returns the value of the form field with that name below the element with that
// id.
func Field(doc Document, id, name string) string {
	if field := first(doc.ByID(id), "name", name); field != nil {
		return field.Value()
	}
	return ""
}

// OpenRowDialog opens a dialog about the row that an element is in: the row's key and the
// texts of its slots are copied into the dialog.
func OpenRowDialog(doc Document, id string, inside Element) {
	dialog, row := doc.ByID(id), inside.Closest(markup.AttrRow)
	if dialog == nil || row == nil {
		return
	}
	setAttr(dialog, markup.AttrRow, row.Attr(markup.AttrRow))
	for _, slot := range []string{markup.SlotName, markup.SlotUser, markup.SlotKey, markup.SlotBrowser,
		markup.SlotAddress, markup.SlotError} {
		setSlot(dialog, slot, Slot(row, slot))
	}
	dialog.Open()
}

// OpenKey opens the dialog for a new API key.
func OpenKey(doc Document) {
	dialog := doc.ByID(markup.IDKeyDialog)
	if name := first(dialog, "name", markup.FieldName); name != nil {
		name.SetValue("")
		dialog.Open()
	}
}

// ClearKey removes an API key from the page once the dialog that showed it is closed.
func ClearKey(doc Document) {
	if dialog := doc.ByID(markup.IDKeyDialog); dialog != nil && !dialog.Flag("open") {
		setSlot(dialog, markup.SlotKey, "")
	}
}
