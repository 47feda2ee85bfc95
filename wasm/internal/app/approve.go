package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// openApproval opens the dialog that asks for whom, and with which role, a pairing is
// approved. It proposes a new user and the least role that can chat.
func (a *admin) openApproval(code string) {
	p := a.findPending(code)
	if p == nil {
		a.problem("This request is no longer open.")
		return
	}
	name := pendingName(p)
	a.approval = view.Approval{
		Code:       p.Code,
		DeviceName: name,
		Browser:    words.BrowserBeside(name, p.UserAgent),
		Address:    p.Address,
		Resembles:  words.NameWithRole(p.Resembles, string(p.ResemblesRole)),
		State:      markup.ApproveForm,
		Who:        markup.WhoNew,
		Role:       markup.RoleOperator,
	}
	a.view.OpenApproval(a.approval)
}

func (a *admin) editApproval(field view.Element) {
	switch value := field.Value(); field.Attr("name") {
	case markup.FieldWho:
		a.approval.Who = value
	case markup.FieldUser:
		a.approval.User = trim(value)
		a.approval.Known, a.approval.Similar = a.similarUser(a.approval.User)
	case markup.FieldRole:
		a.approval.Role = value
	}
	a.setApproval(markup.ApproveForm, "")
}

// similarUser reports whether the user exists, and returns an existing user whose name
// looks like that one's, with the role; "" for none. An admin comes before others.
func (a *admin) similarUser(user string) (known bool, similar string) {
	skeleton := words.Skeleton(user)
	if user == "" {
		return false, ""
	}
	for _, u := range a.users {
		switch {
		case u.UserID == user:
			known = true
		case words.Skeleton(u.UserID) == skeleton && (similar == "" || u.Role == protocol.Admin):
			similar = words.NameWithRole(u.UserID, string(u.Role))
		}
	}
	return known, similar
}

func (a *admin) setApproval(state, problem string) {
	a.approval.State, a.approval.Error = state, problem
	a.view.DrawApproval(a.approval)
}

func (a *admin) confirmApproval() {
	switch p := &a.approval; {
	case p.State == markup.ApproveBusy:
	case p.Who == markup.WhoExisting && p.User == "":
		a.setApproval(markup.ApproveForm, "Name the user whose chats this browser is to share.")
	case p.Role == markup.RoleAdmin && p.State != markup.ApproveConfirm:
		a.setApproval(markup.ApproveConfirm, "")
	default:
		a.approve()
	}
}

func (a *admin) approve() {
	a.setApproval(markup.ApproveBusy, "")
	params := &protocol.DeviceApproveParams{
		Code:  a.approval.Code,
		Role:  protocol.Role(a.approval.Role),
		Label: trim(a.view.ApprovalLabel()),
	}
	if a.approval.Who == markup.WhoExisting {
		params.UserID = a.approval.User
	}
	var result protocol.DeviceApproveResult
	a.call(protocol.MethodDeviceApprove, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			if a.ended || a.approval.Code != params.Code {
				return
			}
			if err != nil {
				a.setApproval(markup.ApproveForm, errorText(err))
				return
			}
			a.approval = view.Approval{}
			view.CloseDialogs(a.doc)
			d := &result.Paired
			a.success(deviceName(d) + " is in, as " + d.UserID + " with the role " + string(d.Role) + ".")
			a.putPaired(d)
			a.redraw(partBody)
		})
}

// deny denies one pairing or several. The gateway may deny only some of very many at once.
func (a *admin) deny(params protocol.DeviceDenyParams) {
	var result protocol.DeviceDenyResult
	a.call(protocol.MethodDeviceDeny, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			switch {
			case err == nil && result.More && !a.ended:
				a.deny(params)
			case err != nil && params.Left && !a.ended:
				a.problem(errorText(err))
			default:
				a.decisionAnswered(markup.IDDenyDialog, err)
			}
		})
}

// countNetwork returns how many pairings of the list are of a network.
func (a *admin) countNetwork(network string) (n int) {
	for _, p := range a.pending {
		if p.Network == network && network != "" {
			n++
		}
	}
	return n
}

// networkName returns the network of a pairing: its address, unless a network has several.
func networkName(p *protocol.PendingDevice) string {
	if text.HasSuffix(p.Network, "/32") || text.HasSuffix(p.Network, "/128") {
		return p.Address
	}
	return p.Network
}

func (a *admin) revoke(device string) {
	var result protocol.DeviceRevokeResult
	params := &protocol.DeviceRevokeParams{DeviceID: device, Channel: protocol.ChannelWS}
	a.call(protocol.MethodDeviceRevoke, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			a.decisionAnswered(markup.IDRevokeDialog, err)
		})
}

// decisionAnswered closes the dialog of a decision that the gateway has carried out, or
// shows its error there. The lists change with the gateway's event.
func (a *admin) decisionAnswered(dialog string, err *protocol.Error) {
	switch {
	case a.ended:
	case err != nil:
		view.SetDialogError(a.doc, dialog, errorText(err))
	default:
		view.CloseDialogs(a.doc)
	}
}
