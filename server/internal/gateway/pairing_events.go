package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// PairingRequested notifies admins of a request for pairing.
func (g *Gateway) PairingRequested(p protocol.PendingDevice) {
	g.Log.Info("security.pairing_requested", "device", p.DeviceID, "name", p.DeviceName, "address",
		p.Address)
	g.Hub.SendToAdmins(protocol.EventDeviceRequested, &p)
}

// PairingResolved notifies admins and the requester, and closes the connections of a
// device that was revoked.
func (g *Gateway) PairingResolved(r protocol.DeviceResolved) {
	g.presence.resolved(r.DeviceID)
	g.Hub.SendToAdmins(protocol.EventDeviceResolved, &r)
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

// CredentialRenewed closes the connections that a device's browser has opened with its old
// credential. They reconnect with the new one, if they are that browser's.
func (g *Gateway) CredentialRenewed(deviceID string, old credential.Digest) {
	g.Registry.CloseRenewed(deviceID,
		func(cookie string) bool { return credential.DigestOf(cookie) == old })
}
