package pairing

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Device is an approved device, with its user and role.
type Device struct {
	protocol.PairedDevice
	Kind Kind
	// Renew reports that a browser has the device's credential, and must get another one
	// (Service.Renew) before it gets a page.
	Renew bool
}

// Authenticate returns the approved device with the credential secret. Any other
// credential is refused with NOT_PAIRED and its status: pending (Request returns the
// code), denied, expired, revoked or unknown. If the credential cannot be checked, it is
// refused with UNAVAILABLE.
//
// Authenticate writes nothing: the next Sweep stores that the device was seen.
func (s *Service) Authenticate(ctx context.Context, secret string) (Device, error) {
	r, err := s.bySecret(ctx, "check a credential", secret)
	if err != nil {
		return Device{}, err
	}
	if st := s.currentStatus(r); st != protocol.PairingApproved {
		return Device{}, notPaired(st)
	}
	s.Seen(r.ID)
	return s.device(r), nil
}

// currentStatus returns the status of the record now. A sign-in is revoked as soon as the
// gateway token changes, even if the sweep has not stored that yet.
func (s *Service) currentStatus(r Record) string {
	st := r.status(clock())
	if st == protocol.PairingApproved && r.Kind == SignedIn {
		if binding := s.binding(); binding == "" || binding != r.Binding {
			return protocol.PairingRevoked
		}
	}
	return st
}

// device returns the record as a Device, with the latest time at which it was seen.
func (s *Service) device(r Record) Device {
	r.LastSeenAt = s.seen.Latest(r.ID, r.LastSeenAt)
	return Device{PairedDevice: r.paired(), Kind: r.Kind, Renew: r.Renew}
}

// SignIn registers a new credential as that of an admin's browser. The caller must have
// checked the gateway token or redeemed a sign-in link. The sign-in is valid until the
// browser signs out, is revoked, or the gateway token changes.
func (s *Service) SignIn(ctx context.Context, from Requester) (Device, error) {
	if !ValidCredential(from.Secret) {
		return Device{}, malformed()
	}
	binding := s.binding()
	if binding == "" {
		return Device{}, protocol.Refuse(protocol.FailedPrecondition,
			"this gateway has no token, so nobody can sign in with it")
	}
	var r Record
	err := s.change(ctx, "sign in", func(tx Tx, now protocol.Time) (func(), error) {
		switch _, err := tx.BySecret(credential.DigestOf(from.Secret)); {
		case err == nil:
			return nil, protocol.Refuse(protocol.AlreadyExists,
				"this credential is in use: sign in with a new one")
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		r = newRecord(from, SignedIn, now)
		r.Binding, r.UserID, r.Role = binding, auth.AdminUser, protocol.Admin
		r.Label = "Admin sign-in"
		r.resolve(protocol.PairingApproved, auth.AdminUser, now)
		return nil, tx.Insert(r)
	})
	if err != nil {
		return Device{}, err
	}
	return s.device(r), nil
}

// SignOut ends the validity of a credential on behalf of its holder: a device is revoked,
// a pending request expires. For any other credential, SignOut does nothing.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	if !ValidCredential(secret) {
		return nil
	}
	// If the credential is a renewed one, it is the device's from here on.
	if _, err := s.bySecret(ctx, "sign out", secret); err != nil {
		if status(err) == protocol.PairingUnknown {
			return nil
		}
		return err
	}
	return s.change(ctx, "sign out", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := tx.BySecret(credential.DigestOf(secret))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, err
		}
		switch r.Status {
		case protocol.PairingApproved:
			r.resolve(protocol.PairingRevoked, r.ID, now)
		case protocol.PairingPending:
			r.resolve(protocol.PairingExpired, r.ID, now)
		default:
			return nil, nil
		}
		event := resolvedEvent(r)
		event.SignedOut = true
		return func() { s.notifier.PairingResolved(event) }, tx.Replace(r)
	})
}

// notifyResolved returns a function that notifies of the record's new status.
func (s *Service) notifyResolved(r Record) func() {
	event := resolvedEvent(r)
	return func() { s.notifier.PairingResolved(event) }
}

// resolvedEvent returns the event of the record's new status.
func resolvedEvent(r Record) protocol.DeviceResolved {
	event := protocol.DeviceResolved{Status: r.Status, Code: r.Code, DeviceID: r.ID}
	if r.Status == protocol.PairingApproved {
		paired := r.paired()
		event.Paired = &paired
	}
	return event
}
