package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// Pairing is the page of a browser that is not approved yet.
type Pairing struct {
	State     string // a markup.State… value
	Code      string // without a space
	QR        string // address of the image; "" for none
	Remaining string // how long the code is valid
	Seconds   int64  // until the user may ask again, or the next attempt is made
	Message   string // the gateway's message, or ""
}

// DrawPairing shows the page of a browser that is not approved yet.
func DrawPairing(doc Document, p Pairing) {
	root := doc.ByID(markup.IDRoot)
	code := doc.ByID(markup.IDPairingCode)
	setAttr(code, markup.AttrCode, p.Code)
	setText(code, markup.GroupCode(p.Code))
	setSlot(root, markup.SlotRemaining, p.Remaining)
	setSlot(root, markup.SlotSeconds, seconds(p.Seconds))
	setSlot(root, markup.SlotMessage, p.Message)
	for _, button := range root.Find(markup.AttrAction, markup.ActionAskAgain) {
		setFlag(button, "disabled", p.Seconds > 0)
	}
	if img := doc.ByID(markup.IDPairingQR); img != nil {
		if p.QR != "" {
			setAttr(img, "src", p.QR)
		}
		setFlag(img, "hidden", p.QR == "")
	}
	setAttr(root, markup.AttrState, p.State)
}

// Login is the page where an admin signs in.
type Login struct {
	State   string // a markup.State… value
	Busy    bool
	Seconds int64 // until the next attempt is possible, in the state StateTooMany
}

// DrawLogin shows the sign-in page.
func DrawLogin(doc Document, l Login) {
	root := doc.ByID(markup.IDRoot)
	busy := markup.FormIdle
	if l.Busy {
		busy = markup.FormBusy
	}
	setAttr(doc.ByID(markup.IDLoginForm), markup.AttrState, busy)
	setSlot(root, markup.SlotSeconds, seconds(l.Seconds))
	setAttr(root, markup.AttrState, l.State)
}
