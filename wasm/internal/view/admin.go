package view

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Pending is a pairing that waits for an admin's decision.
type Pending struct {
	Code, DeviceID      string
	DeviceName, Browser string
	Address             string
	Since               Time
	Remaining           string
	Left                bool   // the requester has closed its page
	Resembles           string // a known name that DeviceName resembles, or ""
}

// Device is a paired device.
type Device struct {
	ID             string
	Label, Browser string
	User, Role     string
	LastSeen       Time
	Since          Time
	Current        bool // the device that shows the page
}

// Resolved is an entry of the list of recent decisions.
type Resolved struct {
	State      string // a markup.Resolved… value
	DeviceName string
	User, Role string
	Time       Time
}

// maxResolved is how many recent decisions the page shows.
const maxResolved = 12

// Admin is the page of pairings and devices.
type Admin struct {
	doc                     Document
	pending, devices, users list
}

// NewAdmin takes over the lists that the server rendered.
func NewAdmin(doc Document) *Admin {
	by := func(id, attr string) list {
		return adoptList(doc.ByID(id), func(el Element) string { return el.Attr(attr) })
	}
	return &Admin{
		doc:     doc,
		pending: by(markup.IDPendingList, markup.AttrCode),
		devices: by(markup.IDDeviceList, markup.AttrDevice),
		users:   by(markup.IDKnownUsers, "value"),
	}
}

// Draw shows the pending pairings, the paired devices and, as suggestions, the users.
// Codes, ids and users must not repeat.
func (a *Admin) Draw(pending []Pending, devices []Device, users []string) {
	rows := make([]entry, len(pending))
	for i := range pending {
		p := &pending[i]
		rows[i] = entry{
			key: p.Code,
			fingerprint: fingerprintOf(p.DeviceID, p.DeviceName, p.Browser, p.Address, p.Since.Stamp,
				p.Since.Text, p.Remaining, flag(p.Left), p.Resembles),
			draw: func(el Element) { drawPending(el, p) },
		}
	}
	a.set(&a.pending, rows, markup.TemplatePending)
	rows = make([]entry, len(devices))
	for i := range devices {
		d := &devices[i]
		rows[i] = entry{
			key: d.ID,
			fingerprint: fingerprintOf(d.Label, d.Browser, d.User, d.Role, d.LastSeen.Stamp, d.LastSeen.Text,
				d.Since.Stamp, d.Since.Text, flag(d.Current)),
			draw: func(el Element) { drawDevice(el, d) },
		}
	}
	a.set(&a.devices, rows, markup.TemplateDevice)
	rows = make([]entry, len(users))
	for i, user := range users {
		rows[i] = entry{key: user, fingerprint: user,
			draw: func(el Element) { setAttr(el, "value", user) }}
	}
	a.set(&a.users, rows, markup.TemplateKnownUser)
	setText(a.doc.ByID(markup.IDPendingCount), words.Badge(len(pending)))
	left := 0
	for i := range pending {
		if pending[i].Left {
			left++
		}
	}
	setText(a.doc.ByID(markup.IDPendingLeft), words.PendingRequests(left))
}

// DrawMore shows how many pending pairings are not in the list: of total, listed ones are.
func (a *Admin) DrawMore(total int64, listed int) {
	setText(a.doc.ByID(markup.IDPendingMore), words.MorePending(total, listed))
}

func (a *Admin) set(l *list, rows []entry, template string) {
	l.set(rows, func() Element { return a.doc.Clone(template) })
}

func drawPending(el Element, p *Pending) {
	setAttr(el, markup.AttrCode, p.Code)
	setAttr(el, markup.AttrDevice, p.DeviceID)
	setBool(el, markup.AttrLeft, p.Left)
	setSlot(el, markup.SlotResembles, p.Resembles)
	setSlot(el, markup.SlotCode, markup.GroupCode(p.Code))
	setSlot(el, markup.SlotDeviceName, p.DeviceName)
	setSlot(el, markup.SlotBrowser, p.Browser)
	setSlot(el, markup.SlotAddress, p.Address)
	setTime(el, markup.SlotSince, p.Since)
	setSlot(el, markup.SlotRemaining, p.Remaining)
}

func drawDevice(el Element, d *Device) {
	setAttr(el, markup.AttrDevice, d.ID)
	setAttr(el, markup.AttrUser, d.User)
	setBool(el, markup.AttrThis, d.Current)
	setSlot(el, markup.SlotLabel, d.Label)
	setSlot(el, markup.SlotBrowser, d.Browser)
	setSlot(el, markup.SlotUser, d.User)
	setSlot(el, markup.SlotRole, d.Role)
	setTime(el, markup.SlotLastSeen, d.LastSeen)
	setTime(el, markup.SlotSince, d.Since)
}

// AddResolved adds a recent decision on top of the list.
func (a *Admin) AddResolved(r Resolved) {
	lines := a.doc.ByID(markup.IDResolvedList)
	if lines == nil {
		return
	}
	el := a.doc.Clone(markup.TemplateResolved)
	setAttr(el, markup.AttrState, r.State)
	setSlot(el, markup.SlotDeviceName, r.DeviceName)
	setSlot(el, markup.SlotUser, r.User)
	setSlot(el, markup.SlotRole, r.Role)
	setTime(el, markup.SlotTime, r.Time)
	old := lines.Children()
	if len(old) == 0 {
		lines.Insert(el, nil)
		return
	}
	lines.Insert(el, old[0])
	for _, line := range old[min(len(old), maxResolved-1):] {
		line.Remove()
	}
}

// UpdateAges writes the times of the recent decisions again, also of those that the
// gateway rendered.
func (a *Admin) UpdateAges(now protocol.Time) {
	lines := a.doc.ByID(markup.IDResolvedList)
	if lines == nil {
		return
	}
	for _, at := range lines.Find(markup.AttrSlot, markup.SlotTime) {
		if then, ok := protocol.ParseTime(at.Attr("datetime")); ok {
			setText(at, words.Ago(then, now))
		}
	}
}

// Approval is what the dialog for approving a pairing shows.
type Approval struct {
	Code, DeviceName, Browser, Address string
	Resembles                          string // a known name that DeviceName resembles, or ""

	State string // a markup.Approve… value
	Who   string // markup.WhoNew or WhoExisting
	User  string // the named one, as typed
	// Known reports that the named user exists. Similar is an existing user whose name
	// looks like the named one's, or "".
	Known   bool
	Similar string

	Role  string
	Error string
}

// OpenApproval opens the dialog with a fresh form.
func (a *Admin) OpenApproval(p Approval) {
	dialog := a.doc.ByID(markup.IDApproveDialog)
	if dialog == nil {
		return
	}
	for _, radio := range dialog.Find("name", markup.FieldWho) {
		radio.SetChecked(radio.Attr("value") == p.Who)
	}
	for _, radio := range dialog.Find("name", markup.FieldRole) {
		radio.SetChecked(radio.Attr("value") == p.Role)
	}
	for _, field := range append(dialog.Find("name", markup.FieldUser),
		dialog.Find("name", markup.FieldLabel)...) {
		field.SetValue("")
	}
	a.DrawApproval(p)
	dialog.Open()
}

// DrawApproval shows what the answers in the dialog mean.
func (a *Admin) DrawApproval(p Approval) {
	dialog := a.doc.ByID(markup.IDApproveDialog)
	setAttr(dialog, markup.AttrCode, p.Code)
	setAttr(dialog, markup.AttrState, p.State)
	setAttr(dialog, markup.AttrWho, p.Who)
	setAttr(dialog, markup.AttrRole, p.Role)
	setSlot(dialog, markup.SlotCode, markup.GroupCode(p.Code))
	setSlot(dialog, markup.SlotDeviceName, p.DeviceName)
	setSlot(dialog, markup.SlotBrowser, p.Browser)
	setSlot(dialog, markup.SlotAddress, p.Address)
	setSlot(dialog, markup.SlotResembles, p.Resembles)
	user, newUser := p.User, ""
	if !p.Known {
		user, newUser = "", p.User
	}
	setSlot(dialog, markup.SlotUser, user)
	setSlot(dialog, markup.SlotNewUser, newUser)
	setSlot(dialog, markup.SlotSimilar, p.Similar)
	setSlot(dialog, markup.SlotRole, p.Role)
	setSlot(dialog, markup.SlotError, p.Error)
	who := words.NewUser
	if p.Who == markup.WhoExisting {
		who = p.User
	}
	setSlot(dialog, markup.SlotWho, who)
}

// ApprovalLabel returns the device's name that was typed in the dialog.
func (a *Admin) ApprovalLabel() string {
	return Field(a.doc, markup.IDApproveDialog, markup.FieldLabel)
}

// OpenDeny opens the dialog that asks whether to deny a pairing. Its network has that many
// pairings; the dialog offers to deny all of them if there are several.
func (a *Admin) OpenDeny(code, deviceName, network string, ofNetwork int) {
	dialog := a.doc.ByID(markup.IDDenyDialog)
	setAttr(dialog, markup.AttrCode, code)
	setSlot(dialog, markup.SlotCode, markup.GroupCode(code))
	setSlot(dialog, markup.SlotDeviceName, deviceName)
	count := ""
	if ofNetwork > 1 {
		count = words.Number(int64(ofNetwork))
	}
	setSlot(dialog, markup.SlotCount, count)
	setSlot(dialog, markup.SlotNetwork, network)
	setSlot(dialog, markup.SlotError, "")
	open(dialog)
}

// OpenRevoke opens the dialog that asks whether to revoke a device.
func (a *Admin) OpenRevoke(d Device) {
	dialog := a.doc.ByID(markup.IDRevokeDialog)
	setAttr(dialog, markup.AttrDevice, d.ID)
	setBool(dialog, markup.AttrThis, d.Current)
	setSlot(dialog, markup.SlotLabel, d.Label)
	setSlot(dialog, markup.SlotBrowser, d.Browser)
	setSlot(dialog, markup.SlotUser, d.User)
	setSlot(dialog, markup.SlotError, "")
	open(dialog)
}

// SetDialogError shows an error in the dialog with that id.
func SetDialogError(doc Document, dialog, text string) {
	setSlot(doc.ByID(dialog), markup.SlotError, text)
}
