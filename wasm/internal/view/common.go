package view

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// SetState sets the state of the whole page.
func SetState(doc Document, state string) { SetRoot(doc, markup.AttrState, state) }

// SetRoot sets an attribute of the root element.
func SetRoot(doc Document, attr, value string) { setAttr(doc.ByID(markup.IDRoot), attr, value) }

// SetText sets the text of the element with that id.
func SetText(doc Document, id, text string) { setText(doc.ByID(id), text) }

// TextOf returns the text of the element with that id.
func TextOf(doc Document, id string) string {
	if el := doc.ByID(id); el != nil {
		return el.Text()
	}
	return ""
}

// Announce has assistive technology read a sentence out.
func Announce(doc Document, text string) { setText(doc.ByID(markup.IDAnnounce), text) }

// Connection is the state of the connection as its indicator shows it.
type Connection struct {
	State   string // a markup.Link… value
	Seconds int64  // until the next attempt, or until the end of the rate limit's pause
	Reason  string // in the state LinkRefused
}

// DrawConnection shows the state of the connection.
func DrawConnection(doc Document, c Connection) {
	pill := doc.ByID(markup.IDConnection)
	setAttr(pill, markup.AttrState, c.State)
	setSlot(pill, markup.SlotSeconds, seconds(c.Seconds))
	setSlot(pill, markup.SlotReason, c.Reason)
}

// seconds formats a number for a slot; "" for 0 hides the slot and the words around it.
func seconds(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// ShowToast shows a notice and returns its element, which the caller removes; nil on a page
// without notices. kind is a markup.Kind… value.
func ShowToast(doc Document, kind, text string) Element {
	toasts := doc.ByID(markup.IDToasts)
	if toasts == nil {
		return nil
	}
	el := doc.Clone(markup.TemplateToast)
	setAttr(el, markup.AttrKind, kind)
	setSlot(el, markup.SlotText, text)
	toasts.Insert(el, nil)
	return el
}

// SetCopied shows on a copy button whether the text was just copied.
func SetCopied(button Element, copied bool) {
	if copied {
		setAttr(button, markup.AttrState, markup.CopyDone)
	} else {
		setAttr(button, markup.AttrState, markup.CopyIdle)
	}
}

// CloseDialogs closes every dialog of the page.
func CloseDialogs(doc Document) {
	for _, id := range []string{
		markup.IDRenameDialog, markup.IDDeleteDialog, markup.IDSignOutDialog,
		markup.IDPictureDialog, markup.IDSettingsDialog, markup.IDDoctorDialog, markup.IDApproveDialog, markup.IDDenyDialog,
		markup.IDRevokeDialog,
		markup.IDDisconnectDialog, markup.IDKeyDialog, markup.IDRevokeKeyDialog,
	} {
		if dialog := doc.ByID(id); dialog != nil {
			dialog.Close()
		}
	}
}

func open(dialog Element) {
	if dialog != nil {
		dialog.Open()
	}
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
