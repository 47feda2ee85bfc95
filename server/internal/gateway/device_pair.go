package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) devicePairList(p *protocol.DeviceListParams) (protocol.Payload, error) {
	list, err := c.g.Pairings.List(c.ctx)
	if err != nil || p.Code == "" {
		return &list, err
	}
	pending, found, err := c.g.Pairings.Pending(c.ctx, p.Code)
	list.Pending, list.PendingTotal = []protocol.PendingDevice{}, 0
	if found {
		list.Pending = append(list.Pending, pending)
	}
	return &list, err
}

func checkDeviceList(p *protocol.DeviceListParams) error {
	if p.Code == "" {
		return nil
	}
	return checkCode(p.Code)
}

// checkCode refuses a text that cannot be a pairing's code.
func checkCode(code string) error {
	if _, ok := pairing.ParseCode(code); !ok {
		return badParams(fmt.Sprintf("code must be the %d characters that the other screen shows "+
			"(letters and digits, without 0, 1, I and O)", protocol.PairingCodeLength))
	}
	return nil
}

// deviceID is the public id of a device; empty if there is none.
type deviceID string

// codeTarget names the device that a code belongs to, whatever became of its request, or
// else the code. It is empty for a text that cannot be a code.
func (c *call) codeTarget(code string) (target string, device deviceID) {
	code, ok := pairing.ParseCode(code)
	if !ok {
		return "", ""
	}
	id, err := c.g.Pairings.ByCode(c.ctx, code)
	if err != nil || id == "" { // if the store fails, Approve and Deny fail, too
		return audit.Code(code), ""
	}
	return audit.Device(id), deviceID(id)
}

// approval is what a call of device.pair.approve is about: its params, and the target for
// the audit log, empty if the code is none.
type approval struct {
	params *protocol.DeviceApproveParams
	target string
}

func (c *call) prepareApprove(p *protocol.DeviceApproveParams) (approval, error) {
	target, _ := c.codeTarget(p.Code)
	a := approval{p, target}
	if utf8.RuneCountInString(p.Label) > protocol.MaxLabelLength {
		return a, badParams("label must be at most 120 characters")
	}
	return a, checkCode(p.Code)
}

func describeApproval(_ *call, a approval) *audit.Act {
	if a.target == "" {
		return nil // there is nothing that it could be done to
	}
	return &audit.Act{
		Target: a.target,
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

func prepareRevoke(_ *call, p *protocol.DeviceRevokeParams) (deviceID, error) {
	id := deviceID(cmp.Or(p.DeviceID, p.SenderID, p.Sender))
	switch {
	case id == "":
		return id, badParams("deviceId must name a device: see device.pair.list")
	case differ(string(id), p.DeviceID, p.SenderID, p.Sender):
		return id, badParams("deviceId, senderId and sender_id mean the same: give one of them")
	case p.Channel != "" && p.Channel != protocol.ChannelWS && p.Channel != protocol.ChannelBrowser:
		return id, badParams("channel must be ws, or left out")
	}
	return id, nil
}

// differ reports whether one of the aliases of a param is given with another value.
func differ(value string, aliases ...string) bool {
	return slices.ContainsFunc(aliases, func(a string) bool { return a != "" && a != value })
}

func describeDevice(_ *call, id deviceID) *audit.Act {
	if id == "" {
		return nil // there is nothing that it could be done to
	}
	return &audit.Act{Target: audit.Device(string(id))}
}

// devicePairRevoke answers before it closes the device's connections, since one of them
// may be the caller's own. Revoke calls the answer once the revocation is durable.
func (c *call) devicePairRevoke(id deviceID) (protocol.Payload, error) {
	answer := func() {
		c.g.Log.Info("security.pairing_revoked", "by", c.caller().UserID, "device", string(id))
		c.reply(&protocol.DeviceRevokeResult{Revoked: true})
	}
	err := c.g.Pairings.Revoke(c.ctx, c.caller().UserID, string(id), answer)
	return later, err
}
