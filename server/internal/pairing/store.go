package pairing

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store keeps the records of devices. Update and View may run their function more
// than once; store.Transactions says what they promise.
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. Look-ups of what does not exist give store.ErrNotFound.
type Tx interface {
	// Insert adds a record. Its ID, Secret and, among pending ones, Code must be new.
	Insert(Record) error
	// Replace writes all but ID, Secret, Kind, Network and CreatedAt of the record
	// with r's ID, or gives store.ErrNotFound.
	Replace(r Record) error

	BySecret(credential.Digest) (Record, error)
	ByID(id string) (Record, error)
	// ByCode gives the newest record that had the code, whatever became of it. No
	// record has the empty code.
	ByCode(code string) (Record, error)

	// List gives the records of a status, newest first.
	List(status string, limit int) ([]Record, error)
	// Resolved gives the records whose ResolvedAt is set, the latest first.
	Resolved(limit int) ([]Record, error)
	// Due gives pending records that expire at now or before.
	Due(now protocol.Time, limit int) ([]Record, error)
	// BoundOtherwise gives approved sign-ins whose Binding is not binding.
	BoundOtherwise(binding string, limit int) ([]Record, error)

	// PendingOf gives the network's pending records that expire after now.
	PendingOf(network string, now protocol.Time) ([]Record, error)
	// CountPending counts the pending records that expire after now; first is
	// when the first of them does, 0 if there is none.
	CountPending(now protocol.Time) (n int, first protocol.Time, err error)
	// LastDenied is when a request of the network was last denied, 0 if never.
	LastDenied(network string) (protocol.Time, error)

	// UserKnown reports whether the user has ever had a device.
	UserKnown(userID string) (bool, error)
	// Touch moves LastSeenAt on to at; it never moves it back. A record that is
	// gone is no error.
	Touch(id string, at protocol.Time) error
	// Prune removes the records of a status that were resolved before a time.
	Prune(status string, before protocol.Time) error
}

// Kind says how a device came in.
type Kind string

// The kinds of devices.
const (
	Paired   Kind = "pairing" // approved by an admin
	SignedIn Kind = "signin"  // by the gateway token or a sign-in link
)

// Record is a device as it is kept. Status is one of the protocol's pairing
// statuses. Times are 0 where nothing has happened yet.
type Record struct {
	ID         string
	Secret     credential.Digest
	Kind       Kind
	Status     string
	Code       string // of a Paired one, kept when it is used up
	Binding    string // of a SignedIn one: the fingerprint of the token it rests on
	UserID     string
	Role       protocol.Role
	Label      string // an admin's word for it
	Name       string // for people; see Name
	Address    string
	Network    string // what of the address is counted; see ratelimit.Network
	UserAgent  string
	CreatedAt  protocol.Time
	ExpiresAt  protocol.Time // of the request
	ResolvedAt protocol.Time // last change of status
	ResolvedBy string        // who changed it; empty: the gateway
	LastSeenAt protocol.Time
}

func (r Record) pending() protocol.PendingDevice {
	return protocol.PendingDevice{
		Code: r.Code, DeviceID: r.ID, DeviceName: r.Name, Address: r.Address, UserAgent: r.UserAgent,
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
	}
}

func (r Record) paired() protocol.PairedDevice {
	return protocol.PairedDevice{
		DeviceID: r.ID, UserID: r.UserID, Role: r.Role, Label: r.Label, DeviceName: r.Name, Address: r.Address,
		UserAgent: r.UserAgent, CreatedAt: r.CreatedAt, LastSeenAt: r.LastSeenAt,
	}
}

// status is the record's at a moment: a request ends on time, noted or not.
func (r Record) status(now protocol.Time) string {
	if r.Status == protocol.PairingPending && r.ExpiresAt <= now {
		return protocol.PairingExpired
	}
	return r.Status
}

// resolve sets a new status.
func (r *Record) resolve(status, by string, now protocol.Time) {
	r.Status, r.ResolvedBy, r.ResolvedAt = status, by, now
}
