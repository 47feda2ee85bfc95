package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Phase is where a Client stands.
type Phase uint8

// The phases.
const (
	Stopped    Phase = iota // not started, or stopped
	Connecting              // a socket is being opened, or its hello is under way
	Pairing                 // an admin has to approve State.Pairing
	Ready                   // authenticated: calls are taken, events come
	Waiting                 // not connected; next try at State.RetryAt
	Refused                 // the gateway does not want this credential: only Start tries again
)

// String is the phase's name in lower case.
func (p Phase) String() string {
	switch p {
	case Stopped:
		return "stopped"
	case Connecting:
		return "connecting"
	case Pairing:
		return "pairing"
	case Ready:
		return "ready"
	case Waiting:
		return "waiting"
	case Refused:
		return "refused"
	}
	return "unknown"
}

// State is what a program shows of the connection. Fields that the phase does
// not name are zero.
type State struct {
	Phase Phase

	// Pairing is the pairing that waits for an admin. It stays while the
	// gateway is out of reach (Connecting and Waiting), so that its code stays
	// on the screen.
	Pairing *PendingPairing

	// Who the gateway says the caller is, and what it takes; of Ready.
	Role   protocol.Role
	UserID string
	Server protocol.Server
	Limits protocol.Limits

	// Resumed says what became of what Options.Resume gave, cursor by cursor; of
	// Ready. See the package's word on resuming.
	Resumed []protocol.ResumedCursor

	// RetryAt is when a Waiting client tries again; Attempt counts the tries
	// since it was last ready, from 1.
	RetryAt clock.Time
	Attempt int

	// Err is why the client is Waiting or Refused. A refused pairing or device
	// has code NOT_PAIRED and Details.Status denied, expired, revoked or
	// unknown.
	Err *protocol.Error
}

// PendingPairing is a pairing as its requester sees it.
type PendingPairing struct {
	Code         string
	ExpiresAt    protocol.Time
	PollInterval clock.Duration

	// SenderID is the credential that approval will make good; a program keeps
	// it for its next start. Empty where the browser's cookie carries it.
	SenderID Secret
}

// Secret is a credential. It prints as "[secret]"; convert it to string to use
// it.
type Secret string

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[secret]" }
