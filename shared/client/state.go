package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Phase is the state of a Client's connection.
type Phase uint8

// The phases.
const (
	Stopped    Phase = iota // not started, or stopped
	Connecting              // a socket is being opened, or connect is pending
	Pairing                 // an admin has to approve State.Pairing
	Ready                   // authenticated: the client sends calls and receives events
	Waiting                 // not connected; next try at State.RetryAt
	Refused                 // the gateway refused the credential: only Start tries again
)

// String returns the phase's name in lower case.
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

// State describes the connection. Fields that do not apply to the phase are zero.
type State struct {
	Phase Phase

	// Pairing is the pairing that an admin has to approve. It is also set while the
	// gateway is out of reach (Connecting and Waiting), so that its code can stay on
	// the screen.
	Pairing *PendingPairing

	// Ready: who the caller is, and the gateway's version and limits.
	Role   protocol.Role
	UserID string
	Server protocol.Server
	Limits protocol.Limits

	// Ready: Resumed says which of the cursors from Options.Resume could be resumed. See
	// Resuming in the package documentation.
	Resumed []protocol.ResumedCursor

	// RetryAt is when a Waiting client tries again; Attempt counts the tries
	// since it was last ready, from 1.
	RetryAt clock.Time
	Attempt int

	// Err is the reason why the client is Waiting or Refused. A refused pairing or device
	// has code NOT_PAIRED and Details.Status denied, expired, revoked or unknown.
	Err *protocol.Error
}

// PendingPairing is the client's own pairing, which is not approved yet.
type PendingPairing struct {
	Code         string
	ExpiresAt    protocol.Time
	PollInterval clock.Duration

	// SenderID is the credential that becomes valid by the approval. A program stores it
	// for its next start. It is empty in a browser, which has a cookie instead.
	SenderID Secret
}

// Secret is a credential. It prints as "[secret]"; convert it to string to use it.
type Secret string

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[secret]" }
