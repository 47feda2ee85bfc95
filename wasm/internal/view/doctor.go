package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// Doctor is what was found out about the connection.
type Doctor struct {
	State   string // a markup.Doctor… value
	Address string // the page's scheme, host and port
	Message string // the gateway's sentence
	Checks  []Check
}

// Check is one part of the way that was tried.
type Check struct {
	Part    string // markup.CheckNetwork and what follows it
	State   string // markup.CheckBusy and what follows it
	Finding string
}

// OpenDoctor opens the dialog about the connection.
func OpenDoctor(doc Document) { open(doc.ByID(markup.IDDoctorDialog)) }

// DrawDoctor shows what was tried so far; the first part that was not is the one
// that is being tried, unless there is a result.
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
		markup.CheckNetwork, markup.CheckHealth, markup.CheckRoute, markup.CheckOrigin, markup.CheckSocket,
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
