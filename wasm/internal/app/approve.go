package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
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
	case markup.FieldRole:
		a.approval.Role = value
	}
	a.setApproval(markup.ApproveForm, "")
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

func (a *admin) deny(code string) {
	var result protocol.DeviceDenyResult
	a.call(protocol.MethodDeviceDeny, (&protocol.DeviceDenyParams{Code: code}).AppendJSON(nil),
		result.DecodeJSON, func(err *protocol.Error) {
			a.decisionAnswered(markup.IDDenyDialog, err)
		})
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
