package gateway

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// pairingPoll is the interval at which a client should ask for its pairing's status.
const pairingPoll = 2 * time.Second

// askForPairing requests pairing for the client's credential, or finds its request.
func (c *call) askForPairing(p *protocol.ConnectParams) {
	if p.NoPairing {
		c.fail(protocol.Refuse(protocol.Unauthorized,
			"no credential: the client has none, and does not ask for pairing"))
		return
	}
	if !c.settings.Pairing {
		c.fail(protocol.Refuse(protocol.Unauthorized,
			"this gateway does not pair new browsers: connect with a token, or ask an admin for access"))
		return
	}
	secret, generated := p.SenderID, false
	if secret == "" {
		secret = c.Peer.Cookie
	}
	if secret == "" {
		secret, generated = pairing.NewCredential(), true
	}
	pending, err := c.g.Pairings.Request(c.ctx, pairing.Requester{
		Secret: secret, InCookie: !generated && p.SenderID == "", Address: c.Peer.Address,
		UserAgent: c.Peer.UserAgent, DeviceName: p.DeviceName,
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.startWaiting(pending.DeviceID, secret)
	result := protocol.ConnectResult{
		Protocol: protocol.Version, Status: protocol.StatusPendingPairing, Server: c.g.server(),
		PairingCode: pending.Code, ExpiresAt: pending.ExpiresAt,
		PollIntervalMs: pairingPoll.Milliseconds(),
	}
	// A browser's secret is in its cookie, where no script can read it.
	if generated || p.SenderID != "" {
		result.SenderID = secret
	}
	c.reply(&result)
}

// pairingStatus answers with the status of the client's own request for pairing.
func (c *call) pairingStatus() {
	if c.pairingSecret == "" {
		c.fail(protocol.Refuse(protocol.FailedPrecondition, "this connection is not waiting for pairing"))
		return
	}
	if err := c.g.Access.AllowPoll(c.Peer.Address); err != nil {
		c.fail(err)
		return
	}
	status, err := c.g.Pairings.Status(c.ctx, c.pairingSecret)
	if err != nil {
		c.fail(err)
		return
	}
	status.Approved = status.Status == protocol.PairingApproved
	c.reply(&status)
}

// startWaiting makes the client wait for the pairing of a device: the client is sent the
// result. The hello deadline ends, since an admin may take as long as the code is valid.
func (c *client) startWaiting(deviceID, secret string) {
	c.pairingSecret = secret
	c.conn.HelloDone()
	c.g.Registry.Wait(c.Connection, deviceID)
	c.g.presence.came(deviceID)
}

func (c *client) stopWaiting() {
	c.pairingSecret = ""
	c.g.Registry.StopWaiting(c.Connection)
}
