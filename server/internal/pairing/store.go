package pairing

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store stores the records of devices. Update and View may call their function more than
// once; see [store.Transactions].
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. A look-up that finds nothing returns [store.ErrNotFound].
type Tx interface {
	// Insert adds a record. Its ID and Secret must be new. If the record is pending, no
	// other pending record may have its Code.
	Insert(Record) error
	// Replace updates the record with r's ID, except its Secret, Kind, Network and
	// CreatedAt. If there is no such record, the error is store.ErrNotFound.
	Replace(r Record) error
	// SetSecret changes the Secret of the record with that id to one that is new. If there
	// is no such record, the error is store.ErrNotFound.
	SetSecret(id string, secret credential.Digest) error

	// BySecret returns the record of a credential.
	BySecret(credential.Digest) (Record, error)
	// ByID returns the record with that id.
	ByID(id string) (Record, error)
	// ByCode returns the newest record that has or had the code, whatever its status. No
	// record has the empty code.
	ByCode(code string) (Record, error)

	// List returns the records with a status, newest first.
	List(status string, limit int) ([]Record, error)
	// Resolved returns the records whose ResolvedAt is not 0, the latest first.
	Resolved(limit int) ([]Record, error)
	// Expired returns pending records that expire at now or before.
	Expired(now protocol.Time, limit int) ([]Record, error)
	// WithOtherBinding returns approved sign-ins whose Binding is not binding.
	WithOtherBinding(binding string, limit int) ([]Record, error)

	// PendingOfNetwork returns the pending records of a network that expire after now.
	PendingOfNetwork(network string, now protocol.Time) ([]Record, error)
	// CountPending returns the number of pending records that expire after now, and when
	// the first of them expires; first is 0 if there is none.
	CountPending(now protocol.Time) (n int, first protocol.Time, err error)
	// Places returns what decides which pending record makes way for another, of those that
	// expire after now.
	Places(now protocol.Time) ([]Place, error)
	// LastDenied returns when a request of the network was last denied, or 0 if never.
	LastDenied(network string) (protocol.Time, error)

	// UserExists reports whether the user has had a device, an API key or a session.
	UserExists(userID string) (bool, error)
	// Users returns the users who exist, in the order of their ids. The role of each is the
	// highest of the approved devices and of the keys that are valid at now.
	Users(now protocol.Time, limit int) ([]protocol.KnownUser, error)
	// Touch sets LastSeenAt to at, unless LastSeenAt is later or there is no such record.
	Touch(id string, at protocol.Time) error
	// Prune removes the records with a status that were resolved before a time.
	Prune(status string, before protocol.Time) error
}

// Kind says how a device got its access.
type Kind string

// The kinds of devices.
const (
	Paired   Kind = "pairing" // approved by an admin
	SignedIn Kind = "signin"  // signed in by the gateway token or a sign-in link
)

// Record is a device as it is stored. A time is 0 if the event has not happened.
type Record struct {
	ID         string
	Secret     credential.Digest
	Kind       Kind
	Status     string // one of the protocol's pairing statuses
	Code       string // of a Paired device; kept after its use
	Binding    string // of a SignedIn device: the fingerprint of the gateway token
	UserID     string
	Role       protocol.Role
	Label      string // given by the admin who approved the device
	Name       string // for people; see Name
	Address    string
	Network    string // of the address; see ratelimit.Network
	UserAgent  string
	CreatedAt  protocol.Time
	ExpiresAt  protocol.Time // when the request expires
	ResolvedAt protocol.Time // when the status was last changed
	ResolvedBy string        // who changed the status; "" is the gateway
	LastSeenAt protocol.Time
	Renew      bool // the credential is in a browser's cookie and must be changed; see Renew
}

// Place is the part of a pending record that decides whether it makes way for another.
type Place struct {
	ID, Network           string
	CreatedAt, LastSeenAt protocol.Time
}

// pending returns the record as a pending device of the protocol.
func (r Record) pending() protocol.PendingDevice {
	return protocol.PendingDevice{
		Code: r.Code, DeviceID: r.ID, DeviceName: r.Name, Address: r.Address,
		Network: r.Network, UserAgent: r.UserAgent, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		SenderID: r.ID, Channel: protocol.ChannelBrowser, ChatID: r.ID,
		Created: int64(r.CreatedAt), Expires: int64(r.ExpiresAt),
	}
}

// paired returns the record as a paired device of the protocol.
func (r Record) paired() protocol.PairedDevice {
	d := protocol.PairedDevice{
		DeviceID: r.ID, UserID: r.UserID, Role: r.Role, Label: r.Label, DeviceName: r.Name,
		Address: r.Address, UserAgent: r.UserAgent, CreatedAt: r.CreatedAt,
		LastSeenAt: r.LastSeenAt,
		SenderID:   r.ID, Channel: protocol.ChannelBrowser, ChatID: r.ID,
	}
	if r.Status == protocol.PairingApproved {
		d.PairedAt, d.Paired, d.PairedBy = r.ResolvedAt, int64(r.ResolvedAt), r.ResolvedBy
	}
	return d
}

// status returns the status at now. A pending request has expired at ExpiresAt, even if
// the sweep has not stored that yet.
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
