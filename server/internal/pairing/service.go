package pairing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/lastseen"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of requests.
const (
	maxOfNetwork     = 3               // whose requester is there, by address
	attention        = 2 * time.Minute // how long a requester counts as being there
	denialCooldown   = time.Minute     // in which the address of a denied request cannot ask again
	keepResolved     = 30 * 24 * time.Hour
	keepUnanswered   = 24 * time.Hour // of requests that merely expired, of which strangers can make many
	maxUserAgent     = 256            // characters kept
	retryUnavailable = 5 * time.Second
	maxCodeAttempts  = 16
)

// Notifier is told what has changed, after it is durable and in the order of
// the changes. Its methods must not block and must not call the Service.
type Notifier interface {
	// PairingRequested tells of a new request.
	PairingRequested(protocol.PendingDevice)
	// PairingResolved tells of a request or a device that is now approved,
	// denied, expired or revoked. DeviceID is what the live connections of the
	// requester are known by; after revoked they must be closed.
	PairingResolved(protocol.DeviceResolved)
}

// Options are what a Service needs besides its store.
type Options struct {
	// Notifier may be nil.
	Notifier Notifier
	// Binding gives the fingerprint of the gateway token as it is now, on which
	// sign-ins rest; empty or nil: nobody can be signed in.
	Binding  func() string
	Settings setting.Live[Settings]
}

// Settings are what the configuration says of pairing.
type Settings struct {
	MaxPending int // requests that may wait for an admin, overall
}

// Service is the pairing desk. Its methods are safe for concurrent use. Their
// errors are *protocol.Error, or wrap one next to the cause, which is for the
// log alone; a store that fails gives UNAVAILABLE.
type Service struct {
	store    Store
	tell     Notifier
	binding  func() string
	settings setting.Live[Settings]
	// turn is held from before a change until it has been told, so that the
	// tellings are in order.
	turn chan struct{}
	seen lastseen.Tracker // by device id
}

// New makes a Service on a store. Call Sweep at the start and once a minute.
func New(store Store, o Options) *Service {
	s := &Service{
		store: store, tell: o.Notifier, binding: o.Binding, settings: o.Settings,
		turn: make(chan struct{}, 1),
	}
	if s.tell == nil {
		s.tell = nobody{}
	}
	if s.binding == nil {
		s.binding = func() string { return "" }
	}
	return s
}

type nobody struct{}

func (nobody) PairingRequested(protocol.PendingDevice) {}
func (nobody) PairingResolved(protocol.DeviceResolved) {}

func clock() protocol.Time { return protocol.At(time.Now()) }

// change runs fn in a transaction of the store and, once that is durable, calls
// what the last run of fn gave back, if anything, before the next change is made.
// As with the store, fn may run more than once.
func (s *Service) change(ctx context.Context, what string, fn func(tx Tx, now protocol.Time) (after func(), err error)) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return unchecked(what, context.Cause(ctx))
	}
	var after func()
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		after, err = fn(tx, clock())
		return err
	})
	if err != nil {
		return unchecked(what, err)
	}
	if after != nil {
		after()
	}
	return nil
}

// bySecret finds the record of a credential.
func (s *Service) bySecret(ctx context.Context, what, secret string) (r Record, err error) {
	if !ValidCredential(secret) {
		return Record{}, notPaired(protocol.PairingUnknown)
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		r, err = tx.BySecret(credential.DigestOf(secret))
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Record{}, notPaired(protocol.PairingUnknown)
	case err != nil:
		return Record{}, unchecked(what, err)
	}
	return r, nil
}

// unchecked turns a failure of the store into a refusal with the failure as its
// cause. A refusal stays as it is.
func unchecked(what string, err error) error {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return err
	}
	refusal = protocol.Refuse(protocol.Unavailable, "pairings cannot be read or changed at the moment; try again shortly")
	refusal.Retryable = true
	refusal.RetryAfterMs = retryUnavailable.Milliseconds()
	return fmt.Errorf("pairing: %s: %w (%w)", what, refusal, err)
}

// notPaired is the refusal of a credential whose request or device has that
// status.
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

// malformed is the refusal of something that is no credential where one is to
// be made known.
func malformed() *protocol.Error {
	return protocol.Refuse(protocol.InvalidRequest, "the device credential is malformed; begin a new pairing")
}
