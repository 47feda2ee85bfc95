package app

import (
	"cmp"
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
	pending   []*protocol.PendingDevice // as comparePending orders them
	total     int64                     // pending ones, if the gateway has listed only some; else 0
	paired    []*protocol.PairedDevice  // last seen first
	users     []protocol.KnownUser
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
		a.total, a.users = result.PendingTotal, result.Users
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
		a.searchCode(code)
	default:
		a.openApproval(code)
	}
}

// searchCode has the gateway find the request with a code, as a person has typed it, and
// opens its dialog: the list may not have all requests.
func (a *admin) searchCode(typed string) {
	var result protocol.DeviceListResult
	a.query(protocol.MethodDeviceList, (&protocol.DeviceListParams{Code: typed}).AppendJSON(nil),
		result.DecodeJSON, func(err *protocol.Error) {
			switch {
			case a.ended:
			case err != nil:
				a.problem(errorText(err))
			case len(result.Pending) == 0:
				a.problem("No request with the code " + typed +
					" is open: compare it once more; it may also have been answered, or have expired.")
			default:
				p := &result.Pending[0]
				a.removePending(p.Code)
				a.insertPending(p)
				a.redraw(partBody)
				view.SetInput(a.doc, markup.IDFindCode, "")
				a.openApproval(p.Code)
			}
		})
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
	for at > 0 && comparePending(a.pending[at-1], p) > 0 {
		at--
	}
	a.pending = slices.Insert(a.pending, at, p)
}

// comparePending orders pairings: those whose requester is there come first, the oldest of
// them first; of the others, the newest comes first.
func comparePending(x, y *protocol.PendingDevice) int {
	switch {
	case x.Left && !y.Left:
		return 1
	case !x.Left && y.Left:
		return -1
	case x.Left:
		x, y = y, x
	}
	return int(x.CreatedAt - y.CreatedAt)
}

func (a *admin) removePending(code string) {
	a.pending = slices.DeleteFunc(a.pending,
		func(p *protocol.PendingDevice) bool { return p.Code == code })
}

// requested is called for a new pairing, and when one has changed: its name, or whether its
// requester is there.
func (a *admin) requested(p *protocol.PendingDevice) {
	isNew := a.findPending(p.Code) == nil
	a.removePending(p.Code)
	a.insertPending(p)
	if isNew && !p.Left {
		a.notifyPending(p)
		view.Announce(a.doc, pendingName(p)+" asks to be let in.")
	}
}

func (a *admin) resolved(r protocol.DeviceResolved) {
	now := protocol.At(clock.Now())
	line := view.Resolved{State: r.Status, Time: view.Ago(now, now)}
	if p := a.findPending(r.Code); p != nil {
		line.DeviceName = pendingName(p)
		a.removePending(r.Code)
	}
	switch {
	case !r.SignedOut:
	case r.Status == protocol.PairingRevoked:
		line.State = markup.ResolvedSignedOut
	default:
		line.State = markup.ResolvedWithdrawn
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
	a.addUser(d)
}

// addUser adds a device's user to the known ones.
func (a *admin) addUser(d *protocol.PairedDevice) {
	for i := range a.users {
		if u := &a.users[i]; u.UserID == d.UserID {
			if d.Role == protocol.Admin {
				u.Role = d.Role
			}
			return
		}
	}
	a.users = append(a.users, protocol.KnownUser{UserID: d.UserID, Role: d.Role})
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
	for i, d := range a.paired {
		devices[i] = a.deviceView(d, now)
	}
	users := make([]string, len(a.users))
	for i := range a.users {
		users[i] = a.users[i].UserID
	}
	a.view.Draw(pending, devices, users)
	a.view.DrawMore(a.total, len(pending))
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
		Left:       p.Left,
		Resembles:  words.NameWithRole(p.Resembles, string(p.ResemblesRole)),
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
		Since:    view.Ago(cmp.Or(d.PairedAt, d.CreatedAt), now),
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
			a.view.OpenDeny(code, pendingName(p), networkName(p), a.countNetwork(p.Network))
		}
	case markup.ActionConfirmDeny:
		a.deny(protocol.DeviceDenyParams{Code: code})
	case markup.ActionDenyNetwork:
		if p := a.findPending(code); p != nil {
			a.deny(protocol.DeviceDenyParams{Network: p.Network})
		}
	case markup.ActionDenyLeft:
		a.deny(protocol.DeviceDenyParams{Left: true})
	case markup.ActionFindCode:
		if typed := trim(view.Input(a.doc, markup.IDFindCode)); typed != "" {
			a.searchCode(typed)
		}
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
