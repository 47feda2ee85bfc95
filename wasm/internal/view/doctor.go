package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// Doctor is the result of checking the connection, as far as it is known.
type Doctor struct {
	State   string // a markup.Doctor… value
	Address string // the page's scheme, host and port
	Message string // the gateway's message, or ""
	Checks  []Check
}

// Check is the result of one part of the check.
type Check struct {
	Part    string // markup.CheckNetwork and what follows it
	State   string // markup.CheckBusy and what follows it
	Finding string
}

// OpenDoctor opens the dialog that shows the check of the connection.
func OpenDoctor(doc Document) { open(doc.ByID(markup.IDDoctorDialog)) }

// DrawDoctor shows the parts that were checked. While there is no result, the part after
// them is shown as being checked.
func DrawDoctor(doc Document, d Doctor) {
	dialog := doc.ByID(markup.IDDoctorDialog)
	if dialog == nil {
		return
	}
	setAttr(dialog, markup.AttrState, d.State)
	setSlot(dialog, markup.SlotMessage, d.Message)
	setSlot(dialog, markup.SlotAddress, d.Address)
	next := Check{State: markup.CheckBusy}
	if d.State != markup.DoctorChecking {
		next.State = markup.CheckSkipped
	}
	for i, part := range []string{
		markup.CheckNetwork, markup.CheckHealth, markup.CheckRoute, markup.CheckOrigin,
		markup.CheckSocket,
	} {
		c := next
		if i < len(d.Checks) {
			c = d.Checks[i]
		} else {
			next.State = markup.CheckSkipped
		}
		el := first(dialog, markup.AttrCheck, part)
		setAttr(el, markup.AttrState, c.State)
		setSlot(el, markup.SlotFinding, c.Finding)
	}
}
