package gateway

import (
	"cmp"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) devicePairList(*protocol.Empty) (protocol.Payload, error) {
	list, err := c.g.Pairings.List(c.ctx)
	return &list, err
}

// deviceID is the public id of a device; empty if there is none.
type deviceID string

// pendingDevice finds the device whose pairing has the code, to name it in the audit log
// and the server's log. It gives none if the store fails: then Approve and Deny fail, too.
func (c *call) pendingDevice(code string) deviceID {
	p, _, err := c.g.Pairings.Pending(c.ctx, code)
	if err != nil {
		return ""
	}
	return deviceID(p.DeviceID)
}

// target names the device in the audit log.
func (d deviceID) target() string {
	if d == "" {
		return ""
	}
	return audit.Device(string(d))
}

// approval is what a call of device.pair.approve is about: its params, and the device if
// there is one.
type approval struct {
	params *protocol.DeviceApproveParams
	device deviceID
}

func (c *call) prepareApprove(p *protocol.DeviceApproveParams) (approval, error) {
	a := approval{p, c.pendingDevice(p.Code)}
	if utf8.RuneCountInString(p.Label) > protocol.MaxLabelLength {
		return a, badParams("label must be at most 120 characters")
	}
	return a, nil
}

func describeApproval(_ *call, a approval) *audit.Act {
	return &audit.Act{
		Target: a.device.target(),
		Detail: details("user", a.params.UserID, "role", string(a.params.Role), "label", a.params.Label),
	}
}

func (c *call) devicePairApprove(a approval) (protocol.Payload, error) {
	approved, err := c.g.Pairings.Approve(c.ctx, c.caller().UserID, *a.params)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_approved", "by", c.caller().UserID,
		"device", approved.Device.DeviceID, "user", approved.Device.UserID,
		"role", approved.Device.Role, "joined", approved.Existed)
	return &protocol.DeviceApproveResult{Paired: approved.Device}, nil
}

// denial is what a call of device.pair.deny is about: the code, and the device if there is
// one.
type denial struct {
	code   string
	device deviceID
}

func (c *call) prepareDeny(p *protocol.DeviceDenyParams) (denial, error) {
	return denial{p.Code, c.pendingDevice(p.Code)}, nil
}

func describeDenial(_ *call, d denial) *audit.Act { return &audit.Act{Target: d.device.target()} }

func (c *call) devicePairDeny(d denial) (protocol.Payload, error) {
	if err := c.g.Pairings.Deny(c.ctx, c.caller().UserID, d.code); err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_denied", "by", c.caller().UserID, "device", string(d.device))
	return &protocol.DeviceDenyResult{Denied: true}, nil
}

func prepareRevoke(_ *call, p *protocol.DeviceRevokeParams) (deviceID, error) {
	id := deviceID(cmp.Or(p.DeviceID, p.SenderID))
	switch {
	case id == "":
		return id, badParams("deviceId must name a device: see device.pair.list")
	case p.DeviceID != "" && p.SenderID != "" && p.DeviceID != p.SenderID:
		return id, badParams("deviceId and senderId mean the same: give one of them")
	case p.Channel != "" && p.Channel != protocol.ChannelWS && p.Channel != "browser":
		return id, badParams("channel must be ws, or left out")
	}
	return id, nil
}

func describeDevice(_ *call, id deviceID) *audit.Act {
	return &audit.Act{Target: audit.Device(string(id))}
}

// devicePairRevoke answers before it closes the device's connections, since one of them
// may be the caller's own. Revoke calls the answer once the revocation is durable.
func (c *call) devicePairRevoke(id deviceID) (protocol.Payload, error) {
	answer := func() { c.reply(&protocol.DeviceRevokeResult{Revoked: true}) }
	if err := c.g.Pairings.Revoke(c.ctx, c.caller().UserID, string(id), answer); err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_revoked", "by", c.caller().UserID, "device", string(id))
	return later, nil
}
