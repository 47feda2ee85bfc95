package gateway

import (
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) deviceList(*protocol.Empty) (protocol.Payload, error) {
	list, err := c.g.Pairings.List(c.ctx)
	return &list, err
}

func (c *call) deviceApprove(p *protocol.DeviceApproveParams) (protocol.Payload, error) {
	if utf8.RuneCountInString(p.Label) > protocol.MaxLabelLength {
		return nil, badParams("label must be at most 120 characters")
	}
	approved, err := c.g.Pairings.Approve(c.ctx, c.caller().UserID, *p)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_approved", "by", c.caller().UserID, "device", approved.Device.DeviceID,
		"user", approved.Device.UserID, "role", approved.Device.Role, "joined", approved.Existed)
	return &protocol.DeviceApproveResult{Paired: approved.Device}, nil
}

func (c *call) deviceDeny(p *protocol.DeviceDenyParams) (protocol.Payload, error) {
	if err := c.g.Pairings.Deny(c.ctx, c.caller().UserID, p.Code); err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_denied", "by", c.caller().UserID, "device", c.requester)
	return &protocol.DeviceDenyResult{Denied: true}, nil
}

func (c *call) deviceRevoke(p *protocol.DeviceRevokeParams) (protocol.Payload, error) {
	id := p.DeviceID
	if id == "" {
		id = p.SenderID
	}
	switch {
	case id == "":
		return nil, badParams("deviceId must name a device: see device.pair.list")
	case p.DeviceID != "" && p.SenderID != "" && p.DeviceID != p.SenderID:
		return nil, badParams("deviceId and senderId mean the same: give one of them")
	case p.Channel != "" && p.Channel != protocol.ChannelWS && p.Channel != "browser":
		return nil, badParams("channel must be ws, or left out")
	}
	if err := c.g.Pairings.Revoke(c.ctx, c.caller().UserID, id); err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_revoked", "by", c.caller().UserID, "device", id)
	return &protocol.DeviceRevokeResult{Revoked: true}, nil
}

// PairingRequested tells admins that somebody waits.
func (g *Gateway) PairingRequested(p protocol.PendingDevice) {
	g.Log.Info("security.pairing_requested", "device", p.DeviceID, "name", p.DeviceName, "address", p.Address)
	g.Hub.ToAdmins(protocol.EventDeviceRequested, &p)
}

// PairingResolved tells admins and the requester, and closes the connections of
// a device that was revoked.
func (g *Gateway) PairingResolved(r protocol.DeviceResolved) {
	g.Hub.ToAdmins(protocol.EventDeviceResolved, &r)
	own := protocol.DeviceResolved{Status: r.Status}
	frame := protocol.AppendEvent(nil, protocol.EventDeviceResolved, own.AppendJSON(nil), 0)
	g.Registry.SendWaiting(r.DeviceID, frame)
	switch {
	case r.Status == protocol.PairingRevoked && r.SignedOut:
		g.Registry.CloseDevice(r.DeviceID, protocol.ReasonSignedOut)
	case r.Status == protocol.PairingRevoked:
		g.Registry.CloseDevice(r.DeviceID, protocol.ReasonRevoked)
	}
}
