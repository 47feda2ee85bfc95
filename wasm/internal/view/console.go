package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// WriteTimes writes the times beneath an element that are of a kind, a
// markup.Time… value, as text gives them.
func WriteTimes(within Element, kind string, text func(protocol.Time) string) {
	for _, el := range within.Find(markup.AttrTime, kind) {
		if at, ok := protocol.ParseTime(el.Attr("datetime")); ok {
			setText(el, text(at))
		}
	}
}

// Fill sets the state of the element with that id, and the slots beneath it: names
// and texts in turn.
func Fill(doc Document, id, state string, slots ...string) {
	el := doc.ByID(id)
	setAttr(el, markup.AttrState, state)
	for i := 0; i < len(slots); i += 2 {
		setSlot(el, slots[i], slots[i+1])
	}
}

// State is the state of the element with that id.
func State(doc Document, id string) string {
	if el := doc.ByID(id); el != nil {
		return el.Attr(markup.AttrState)
	}
	return ""
}

// Slot reads the first slot of a name beneath an element.
func Slot(el Element, slot string) string {
	if el = first(el, markup.AttrSlot, slot); el != nil {
		return el.Text()
	}
	return ""
}

// Field reads a form's field beneath the element with that id, by its name.
func Field(doc Document, id, name string) string {
	if field := first(doc.ByID(id), "name", name); field != nil {
		return field.Value()
	}
	return ""
}

// OpenAbout opens a dialog about the row that an element stands in: the dialog
// takes over the row's key, and the words of its slots.
func OpenRowDialog(doc Document, id string, inside Element) {
	dialog, row := doc.ByID(id), inside.Closest(markup.AttrRow)
	if dialog == nil || row == nil {
		return
	}
	setAttr(dialog, markup.AttrRow, row.Attr(markup.AttrRow))
	for _, slot := range []string{markup.SlotName, markup.SlotUser, markup.SlotKey, markup.SlotBrowser, markup.SlotAddress, markup.SlotError} {
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

// ForgetKey takes a key out of the page once the dialog that showed it is closed.
func ClearKey(doc Document) {
	if dialog := doc.ByID(markup.IDKeyDialog); dialog != nil && !dialog.Flag("open") {
		setSlot(dialog, markup.SlotKey, "")
	}
}
