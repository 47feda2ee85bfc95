package access

import (
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Identity is who a credential belongs to.
type Identity struct {
	UserID string
	Role   protocol.Role
	// Via is the credential as lists and the audit log name it: audit.ViaToken,
	// audit.ViaKey or audit.Device.
	Via       string
	DeviceID  string        // empty for a token or key
	KeyID     string        // of an API key; empty for any other credential
	ExpiresAt protocol.Time // of an API key; 0: never
}

// OfDevice is the identity of whoever has the device's credential.
func OfDevice(d pairing.Device) Identity {
	return Identity{UserID: d.UserID, Role: d.Role, Via: audit.Device(d.DeviceID),
		DeviceID: d.DeviceID}
}

func ofKey(k auth.Key) Identity {
	return Identity{
		UserID: k.UserID, Role: k.Role, Via: audit.ViaKey(k.Prefix), KeyID: k.ID, ExpiresAt: k.ExpiresAt,
	}
}

// Expired reports whether the time of the identity's API key is over.
func (i Identity) Expired(now protocol.Time) bool { return i.ExpiresAt != 0 && i.ExpiresAt <= now }

// Caller is the identity to the domain.
func (i Identity) Caller() session.Caller { return session.Caller{UserID: i.UserID, Role: i.Role} }

// Actor is the identity, calling from an address, to the audit log.
func (i Identity) Actor(address netip.Addr) audit.Actor {
	return audit.Actor{UserID: i.UserID, Role: i.Role, Via: i.Via, Address: address.String()}
}

// Peer is what the HTTP side found out about whoever asks for a WebSocket.
type Peer struct {
	Address    netip.Addr
	UserAgent  string
	Bearer     string // token of the Authorization header; empty: missing or malformed
	Cookie     string // device credential of the cookie; empty: missing, or not to be trusted
	Authorized bool   // there is an Authorization header for us, so Cookie is not used
	Proxy      bool   // Address is a trusted proxy's, which may have any number of connections
}
