package pairing

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Device is a device that may come in, with the user and role it has.
type Device struct {
	protocol.PairedDevice
	Kind Kind
}

// Authenticate finds out whose credential this is. Only an approved device gets
// through; the others are refused with NOT_PAIRED and their status: pending (ask
// Request for the code), denied, expired, revoked or unknown. If the credential
// cannot be checked, it is refused with UNAVAILABLE.
//
// It writes nothing: that the device was seen is stored by the next Sweep.
func (s *Service) Authenticate(ctx context.Context, secret string) (Device, error) {
	r, err := s.bySecret(ctx, "check a credential", secret)
	if err != nil {
		return Device{}, err
	}
	if st := s.standing(r); st != protocol.PairingApproved {
		return Device{}, notPaired(st)
	}
	s.Seen(r.ID)
	return s.device(r), nil
}

// standing is the record's status now. A sign-in whose token has changed counts
// as revoked, swept or not.
func (s *Service) standing(r Record) string {
	st := r.status(clock())
	if st == protocol.PairingApproved && r.Kind == SignedIn {
		if binding := s.binding(); binding == "" || binding != r.Binding {
			return protocol.PairingRevoked
		}
	}
	return st
}

func (s *Service) device(r Record) Device {
	r.LastSeenAt = s.seen.Latest(r.ID, r.LastSeenAt)
	return Device{PairedDevice: r.paired(), Kind: r.Kind}
}

// SignIn makes the credential, which must be a new one, that of an admin's
// browser. The caller has checked the gateway token or redeemed a sign-in link.
// It holds until it signs out, is revoked, or the gateway token changes.
func (s *Service) SignIn(ctx context.Context, from Requester) (Device, error) {
	if !ValidCredential(from.Secret) {
		return Device{}, malformed()
	}
	binding := s.binding()
	if binding == "" {
		return Device{}, protocol.Refuse(protocol.FailedPrecondition, "this gateway has no token, so nobody can sign in with it")
	}
	var r Record
	err := s.change(ctx, "sign in", func(tx Tx, now protocol.Time) (func(), error) {
		switch _, err := tx.BySecret(credential.DigestOf(from.Secret)); {
		case err == nil:
			return nil, protocol.Refuse(protocol.AlreadyExists, "this credential is in use: sign in with a new one")
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		r = newRecord(from, SignedIn, now)
		r.Binding, r.UserID, r.Role, r.Label = binding, auth.AdminUser, protocol.Admin, "Admin sign-in"
		r.resolve(protocol.PairingApproved, auth.AdminUser, now)
		return nil, tx.Insert(r)
	})
	if err != nil {
		return Device{}, err
	}
	return s.device(r), nil
}

// SignOut ends the credential by its holder's wish: a device is revoked, and a
// request that waits is withdrawn (it counts as expired). A credential that
// opens nothing is left as it is and is no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	if !ValidCredential(secret) {
		return nil
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
		told := resolution(r)
		told.SignedOut = true
		return func() { s.tell.PairingResolved(told) }, tx.Replace(r)
	})
}

// resolved gives the telling of the record's new status.
func (s *Service) resolved(r Record) func() {
	told := resolution(r)
	return func() { s.tell.PairingResolved(told) }
}

func resolution(r Record) protocol.DeviceResolved {
	told := protocol.DeviceResolved{Status: r.Status, Code: r.Code, DeviceID: r.ID}
	if r.Status == protocol.PairingApproved {
		paired := r.paired()
		told.Paired = &paired
	}
	return told
}
