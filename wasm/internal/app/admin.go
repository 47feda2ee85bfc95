package app

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// admin is the page where an admin approves and denies pairings and revokes devices. It
// loads its lists once a connection, and keeps them up to date from the gateway's events.
type admin struct {
	*console
	view      *view.Admin
	ownDevice string                    // this browser's id
	pending   []*protocol.PendingDevice // oldest first
	paired    []*protocol.PairedDevice  // last seen first
	loaded    bool

	approval view.Approval // what the approval dialog shows
	// pairing code from the address: its dialog opens once the lists are loaded
	codeToOpen string
}

func newAdmin(b *basePage) *admin {
	return &admin{console: newConsole(b), view: view.NewAdmin(b.doc),
		ownDevice: b.root.Attr(markup.AttrDevice)}
}

func (a *admin) page() page {
	p := a.console.page()
	p.start, p.state, p.event, p.act, p.tick, p.draw = a.start, a.state, a.event, a.act, a.tick, a.draw
	return p
}

func (a *admin) start() {
	if code := a.browser.TakeFragment(); isPairingCode(code) {
		a.codeToOpen = code
	}
	a.console.start()
}

// state is called when the connection's state has changed.
func (a *admin) state(s client.State) {
	if a.admitted(s) {
		a.load()
	}
}

func (a *admin) load() {
	var result protocol.DeviceListResult
	a.query(protocol.MethodDeviceList, nil, result.DecodeJSON, func(err *protocol.Error) {
		if a.ended {
			return
		}
		if err != nil {
			if !client.Retryable(err) {
				a.problem("The list could not be loaded: " + errorText(err))
			}
			return
		}
		a.pending, a.paired, a.loaded = nil, nil, true
		for i := range result.Pending {
			a.insertPending(&result.Pending[i])
		}
		for i := range result.Paired {
			a.putPaired(&result.Paired[i])
		}
		a.redraw(partBody)
		a.openFromAddress()
	})
}

// openFromAddress opens the dialog for the pairing whose code stood in the address.
func (a *admin) openFromAddress() {
	code := a.codeToOpen
	a.codeToOpen = ""
	switch {
	case code == "":
	case a.findPending(code) == nil:
		a.problem("No request with the code " + markup.GroupCode(code) +
			" is open any more: it was answered, or it has expired.")
	default:
		a.openApproval(code)
	}
}

func (a *admin) findPending(code string) *protocol.PendingDevice {
	for _, p := range a.pending {
		if p.Code == code {
			return p
		}
	}
	return nil
}

func (a *admin) findPaired(device string) *protocol.PairedDevice {
	for _, d := range a.paired {
		if d.DeviceID == device {
			return d
		}
	}
	return nil
}

// event updates the lists from an event of the gateway.
func (a *admin) event(f protocol.Frame) {
	if a.ended {
		return
	}
	switch f.Event {
	case protocol.EventDeviceRequested:
		var p protocol.DeviceRequested
		if jsontext.Read(f.Payload, p.DecodeJSON) == nil && p.Code != "" {
			a.requested(&p)
		}
	case protocol.EventDeviceResolved:
		var r protocol.DeviceResolved
		if jsontext.Read(f.Payload, r.DecodeJSON) == nil {
			a.resolved(r)
		}
	}
	a.redraw(partBody)
}

// insertPending inserts a pairing at its place in the list.
func (a *admin) insertPending(p *protocol.PendingDevice) {
	at := len(a.pending)
	for at > 0 && a.pending[at-1].CreatedAt > p.CreatedAt {
		at--
	}
	a.pending = slices.Insert(a.pending, at, p)
}

func (a *admin) requested(p *protocol.PendingDevice) {
	if existing := a.findPending(p.Code); existing != nil {
		*existing = *p
		return
	}
	a.insertPending(p)
	a.notifyPending(p)
	view.Announce(a.doc, pendingName(p)+" asks to be let in.")
}

func (a *admin) resolved(r protocol.DeviceResolved) {
	now := protocol.At(clock.Now())
	line := view.Resolved{State: r.Status, Time: view.Ago(now, now)}
	if p := a.findPending(r.Code); p != nil {
		line.DeviceName = pendingName(p)
		a.pending = slices.DeleteFunc(a.pending,
			func(p *protocol.PendingDevice) bool { return p.Code == r.Code })
	}
	if r.Status == protocol.PairingRevoked {
		if d := a.findPaired(r.DeviceID); d != nil {
			line.DeviceName, line.User, line.Role = deviceName(d), d.UserID, string(d.Role)
		}
		a.removePaired(r.DeviceID)
	}
	if r.Paired != nil {
		line.DeviceName, line.User, line.Role = deviceName(r.Paired), r.Paired.UserID,
			string(r.Paired.Role)
		a.putPaired(r.Paired)
	}
	if a.approval.Code == r.Code && a.approval.State != markup.ApproveBusy {
		a.approval.Error = "This request is no longer open: it was " + r.Status + "."
		a.view.DrawApproval(a.approval)
	}
	a.view.AddResolved(line)
}

// putPaired inserts a device at its place in the list, instead of the entry that it has
// already.
func (a *admin) putPaired(d *protocol.PairedDevice) {
	a.removePaired(d.DeviceID)
	at := 0
	for at < len(a.paired) && lastSeen(a.paired[at]) >= lastSeen(d) {
		at++
	}
	a.paired = slices.Insert(a.paired, at, d)
}

func (a *admin) removePaired(device string) {
	a.paired = slices.DeleteFunc(a.paired,
		func(d *protocol.PairedDevice) bool { return d.DeviceID == device })
}

func lastSeen(d *protocol.PairedDevice) protocol.Time { return max(d.LastSeenAt, d.CreatedAt) }

// deviceName returns the name of a paired device.
func deviceName(d *protocol.PairedDevice) string {
	return words.Device(d.Label, d.DeviceName, d.UserAgent)
}

func (a *admin) tick(now clock.Time) {
	a.redraw(partBody)
	a.view.UpdateAges(protocol.At(now))
	a.pending = slices.DeleteFunc(a.pending, func(p *protocol.PendingDevice) bool {
		return p.ExpiresAt != 0 && p.ExpiresAt < protocol.At(now)
	})
}

// draw writes the lists into the page.
func (a *admin) draw() {
	if a.dirty&partBody == 0 || a.ended || !a.loaded {
		return
	}
	now := protocol.At(clock.Now())
	pending := make([]view.Pending, len(a.pending))
	for i, p := range a.pending {
		pending[i] = pendingView(p, now)
	}
	devices := make([]view.Device, len(a.paired))
	known := map[string]bool{}
	var users []string
	for i, d := range a.paired {
		devices[i] = a.deviceView(d, now)
		if !known[d.UserID] {
			known[d.UserID] = true
			users = append(users, d.UserID)
		}
	}
	a.view.Draw(pending, devices, users)
	a.showPendingCount(len(pending))
}

func pendingView(p *protocol.PendingDevice, now protocol.Time) view.Pending {
	name := pendingName(p)
	return view.Pending{
		Code:       p.Code,
		DeviceID:   p.DeviceID,
		DeviceName: name,
		Browser:    words.BrowserBeside(name, p.UserAgent),
		Address:    p.Address,
		Since:      view.Ago(p.CreatedAt, now),
		Remaining:  words.Remaining(p.ExpiresAt, now),
	}
}

func (a *admin) deviceView(d *protocol.PairedDevice, now protocol.Time) view.Device {
	name := deviceName(d)
	return view.Device{
		ID:       d.DeviceID,
		Label:    name,
		Browser:  words.BrowserBeside(name, d.UserAgent),
		User:     d.UserID,
		Role:     string(d.Role),
		LastSeen: view.Ago(lastSeen(d), now),
		Since:    view.Ago(d.CreatedAt, now),
		Current:  d.DeviceID == a.ownDevice && a.ownDevice != "",
	}
}

// act does what the admin asked for.
func (a *admin) act(action string, target view.Element) {
	code := about(target, markup.AttrCode)
	switch action {
	case markup.ActionApprove:
		a.openApproval(code)
	case markup.ActionEditApproval:
		a.editApproval(target)
	case markup.ActionBack:
		a.setApproval(markup.ApproveForm, "")
	case markup.ActionConfirmApprove:
		a.confirmApproval()
	case markup.ActionDeny:
		if p := a.findPending(code); p != nil {
			a.view.OpenDeny(code, pendingName(p))
		}
	case markup.ActionConfirmDeny:
		a.deny(code)
	case markup.ActionRevoke:
		if d := a.findPaired(about(target, markup.AttrDevice)); d != nil {
			name := deviceName(d)
			a.view.OpenRevoke(view.Device{
				ID: d.DeviceID, Label: name, Browser: words.BrowserBeside(name, d.UserAgent),
				User: d.UserID, Current: d.DeviceID == a.ownDevice,
			})
		}
	case markup.ActionConfirmRevoke:
		a.revoke(about(target, markup.AttrDevice))
	default:
		a.console.act(action, target)
	}
}
