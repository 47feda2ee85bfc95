package gateway

import (
	"context"
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// denial is what a call of device.pair.deny is about: one code, or the devices of a network
// or of requesters that have left.
type denial struct {
	code    string
	target  string       // of the code, for the audit log; empty if the code is none
	device  deviceID     // of the code; empty if there is none
	network netip.Prefix // whose devices are denied; invalid: not those of a network
	why     string       // why several devices are denied
	devices []string     // those devices
	more    bool         // there are others, for another call
}

func (c *call) prepareDeny(p *protocol.DeviceDenyParams) (d denial, err error) {
	ways := 0
	for _, given := range []bool{p.Code != "", p.Network != "", p.Left} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return d, badParams("give one of code, network and left")
	case p.Network != "":
		network, err := pairing.ParseNetwork(p.Network)
		if err != nil {
			return d, err
		}
		d.network, d.why = network, "all of "+network.String()
		d.devices, d.more, err = c.g.Pairings.OfNetwork(c.ctx, network)
		return d, err
	case p.Left:
		d.why = "all that have left"
		d.devices, d.more, err = c.g.Pairings.Left(c.ctx)
		return d, err
	}
	d.code = p.Code
	d.target, d.device = c.codeTarget(p.Code)
	return d, checkCode(p.Code)
}

func describeDenial(_ *call, d denial) *audit.Act {
	if d.target == "" {
		return nil // several are denied, or nothing at all
	}
	return &audit.Act{Target: d.target}
}

// denials are the acts of a call that denies several devices.
func denials(_ *call, d denial) (acts []audit.Act, err error) {
	for _, id := range d.devices {
		acts = append(acts, audit.Act{Action: audit.PairingDeny, Target: audit.Device(id), Detail: d.why})
	}
	return acts, nil
}

func (c *call) devicePairDeny(d denial) (protocol.Payload, error) {
	if d.why != "" {
		return c.denyMany(c.ctx, d)
	}
	if err := c.g.Pairings.Deny(c.ctx, c.caller().UserID, d.code); err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_denied", "by", c.caller().UserID, "device", string(d.device))
	return &protocol.DeviceDenyResult{Denied: true, Count: 1}, nil
}

func (c *call) denyMany(ctx context.Context, d denial) (protocol.Payload, error) {
	if d.network.IsValid() {
		c.g.Pairings.RefuseNetwork(d.network)
	}
	n, err := c.g.Pairings.DenyMany(ctx, c.caller().UserID, d.devices)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.pairing_denied", "by", c.caller().UserID, "what", d.why, "number", n)
	return &protocol.DeviceDenyResult{Denied: true, Count: int64(n), More: d.more}, nil
}
