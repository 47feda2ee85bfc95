package pairing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/lastseen"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of requests.
const (
	maxPerNetwork = 3 // pending requests whose requester is present
	// presenceTimeout is how long a requester counts as present after it was seen.
	presenceTimeout = 2 * time.Minute
	denialCooldown  = time.Minute         // how long a network may not ask after a denial
	keepResolved    = 30 * 24 * time.Hour // how long denied and revoked records are kept
	// keepExpired is how long expired records are kept: not as long as denied ones, since
	// strangers can cause many expired requests.
	keepExpired      = 24 * time.Hour
	maxUserAgent     = 256             // stored characters
	retryUnavailable = 5 * time.Second // the retry delay after a failure of the store
	maxCodeAttempts  = 16              // tries to generate an unused code or user id
)

// Notifier is notified of changes, in their order, after they are durable. Its methods
// must not block and must not call the Service.
type Notifier interface {
	// PairingRequested is called for a new request, and when its device gets another
	// name.
	PairingRequested(protocol.PendingDevice)
	// PairingResolved is called when a request or device was approved, denied, expired or
	// revoked. The live connections of the device have its DeviceID. If the device was
	// revoked, they must be closed.
	PairingResolved(protocol.DeviceResolved)
	// CredentialRenewed is called when a browser has begun to use its new credential. The
	// device's connections that have the old one in their cookie must be closed.
	CredentialRenewed(deviceID string, old credential.Digest)
}

// Options are what a Service needs in addition to its store.
type Options struct {
	// Notifier may be nil.
	Notifier Notifier
	// Binding returns the fingerprint of the current gateway token, to which sign-ins are
	// bound. If Binding is nil or returns "", no sign-in is valid.
	Binding func() string
	// Waiting returns the ids of the devices that have a connection open on which they
	// wait for their pairing. Without Waiting, a requester counts as attending as long as
	// it counts as present.
	Waiting func() []string
	// Settings are the settings, which may change.
	Settings setting.Live[Settings]
}

// Settings are the settings of pairing.
type Settings struct {
	MaxPending int // how many requests may be pending, from all networks
}

// Service is the service of pairing. Its methods are safe for concurrent use. Their
// errors are a *protocol.Error, or wrap one together with the cause. The cause is for
// logs only. If the store fails, the code is UNAVAILABLE.
type Service struct {
	store    Store
	notifier Notifier
	binding  func() string
	waiting  func() []string // may be nil
	settings setting.Live[Settings]
	// changeLock is held from before a change until the notifier was called, so that the
	// notifications are in order. It is a channel so that waiting ends with a context.
	changeLock chan struct{}
	seen       lastseen.Tracker // by device id
	issued     issuedCredentials
	denied     deniedNetworks
	names      atomic.Pointer[knownNames] // as they were lately; nil: not loaded
}

// New returns a Service. The caller must call Sweep at the start and once a minute.
func New(store Store, o Options) *Service {
	s := &Service{
		store: store, notifier: o.Notifier, binding: o.Binding, waiting: o.Waiting,
		settings:   o.Settings,
		changeLock: make(chan struct{}, 1),
	}
	if s.notifier == nil {
		s.notifier = discardNotifications{}
	}
	if s.binding == nil {
		s.binding = func() string { return "" }
	}
	return s
}

// discardNotifications is the Notifier of a Service that was given none.
type discardNotifications struct{}

func (discardNotifications) PairingRequested(protocol.PendingDevice)     {}
func (discardNotifications) PairingResolved(protocol.DeviceResolved)     {}
func (discardNotifications) CredentialRenewed(string, credential.Digest) {}

// clock returns the current time.
func clock() protocol.Time { return protocol.At(time.Now()) }

// change calls fn in a transaction. When the transaction is durable, change calls notify,
// the function that fn has returned, unless it is nil. The next change begins after that.
// fn may be called more than once; the last result counts.
func (s *Service) change(ctx context.Context, what string,
	fn func(tx Tx, now protocol.Time) (notify func(), err error)) error {
	select {
	case s.changeLock <- struct{}{}:
		defer func() { <-s.changeLock }()
	case <-ctx.Done():
		return unavailable(what, context.Cause(ctx))
	}
	var notify func()
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		notify, err = fn(tx, clock())
		return err
	})
	if err != nil {
		return unavailable(what, err)
	}
	if notify != nil {
		notify()
	}
	return nil
}

// bySecret returns the record of a credential. A renewed credential replaces the one
// before it as soon as it is looked up here.
func (s *Service) bySecret(ctx context.Context, what, secret string) (r Record, err error) {
	if !ValidCredential(secret) {
		return Record{}, notPaired(protocol.PairingUnknown)
	}
	digest := credential.DigestOf(secret)
	err = s.store.View(ctx, func(tx Tx) (err error) {
		r, err = tx.BySecret(digest)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s.adopt(ctx, what, digest)
	case err != nil:
		return Record{}, unavailable(what, err)
	}
	return r, nil
}

// unavailable wraps a failure of the store into a refusal with the code UNAVAILABLE. If
// err is a refusal already, unavailable returns it unchanged.
func unavailable(what string, err error) error {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return err
	}
	refusal = protocol.Refuse(protocol.Unavailable,
		"pairings cannot be read or changed at the moment; try again shortly")
	refusal.Retryable = true
	refusal.RetryAfterMs = retryUnavailable.Milliseconds()
	return fmt.Errorf("pairing: %s: %w (%w)", what, refusal, err)
}

// notPaired returns the refusal of a credential whose record has that status.
func notPaired(status string) *protocol.Error {
	e := protocol.Refuse(protocol.NotPaired, "")
	e.Details = &protocol.ErrorDetails{Status: status}
	switch status {
	case protocol.PairingPending:
		e.Message = "this device waits for an admin's approval"
	case protocol.PairingDenied:
		e.Message = "an admin has denied this device; to ask again, begin a new pairing"
	case protocol.PairingExpired:
		e.Message = "the pairing code expired before an admin approved it; begin a new pairing"
	case protocol.PairingRevoked:
		e.Message = "this device has been revoked or signed out; begin a new pairing"
	default:
		e.Message = "this device is not known here; begin a new pairing"
	}
	return e
}

// malformed returns the refusal of a credential that does not have the right form.
func malformed() *protocol.Error {
	return protocol.Refuse(protocol.InvalidRequest,
		"the device credential is malformed; begin a new pairing")
}
