package pairing

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Requester is what is known of whoever asks. UserAgent and DeviceName are as
// they were sent.
type Requester struct {
	Secret     string // its credential
	Address    netip.Addr
	UserAgent  string
	DeviceName string
}

// Request begins the pairing of the credential, or finds it: while it waits, the
// same credential has the same code, also after a restart. It counts as being
// seen. Refusals: RESOURCE_EXHAUSTED where an address asks too often or was just
// denied, or too many wait; NOT_PAIRED with the status for a credential that was
// denied, expired or revoked; FAILED_PRECONDITION for one that is paired.
func (s *Service) Request(ctx context.Context, from Requester) (protocol.PendingDevice, error) {
	const what = "request a pairing"
	if !ValidCredential(from.Secret) {
		return protocol.PendingDevice{}, malformed()
	}
	// A page that reloads while it waits needs no write, and no turn.
	r, err := s.bySecret(ctx, what, from.Secret)
	if status(err) == protocol.PairingUnknown {
		err = s.change(ctx, what, func(tx Tx, now protocol.Time) (func(), error) {
			var fresh bool
			if r, fresh, err = admit(tx, from, now, s.seen.Latest, s.settings().MaxPending); err != nil || !fresh {
				return nil, err
			}
			return func() { s.tell.PairingRequested(r.pending()) }, nil
		})
	}
	if err != nil {
		return protocol.PendingDevice{}, err
	}
	switch st := s.standing(r); st {
	case protocol.PairingPending:
		s.Seen(r.ID)
		return s.renamed(ctx, r, from)
	case protocol.PairingApproved:
		return protocol.PendingDevice{}, protocol.Refuse(protocol.FailedPrecondition, "this device is already paired: connect with its credential")
	default:
		return protocol.PendingDevice{}, notPaired(st)
	}
}

// renamed takes another name that the requester of a pairing that waits gives
// its device, and tells of the request anew.
func (s *Service) renamed(ctx context.Context, r Record, from Requester) (protocol.PendingDevice, error) {
	name := Name(from.UserAgent, from.DeviceName)
	if from.DeviceName == "" || name == r.Name {
		return r.pending(), nil
	}
	renamed := r
	err := s.change(ctx, "rename a device", func(tx Tx, _ protocol.Time) (func(), error) {
		renamed = r
		now, err := tx.ByID(r.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && now.Status != protocol.PairingPending:
			return nil, nil // an admin has just decided, by the name that the device had
		case err != nil:
			return nil, err
		}
		now.Name = name
		renamed = now
		return func() { s.tell.PairingRequested(now.pending()) }, tx.Replace(now)
	})
	return renamed.pending(), err
}

// status is the pairing status in a NOT_PAIRED refusal, empty for other errors.
func status(err error) string {
	var refusal *protocol.Error
	if errors.As(err, &refusal) && refusal.Details != nil {
		return refusal.Details.Status
	}
	return ""
}

// admit finds the record of the credential or, within the limits, makes it.
func admit(tx Tx, from Requester, now protocol.Time, seen lastSeen, most int) (r Record, fresh bool, err error) {
	r, err = tx.BySecret(credential.DigestOf(from.Secret))
	if !errors.Is(err, store.ErrNotFound) {
		return r, false, err
	}
	r = newRecord(from, Paired, now)
	if err := withinLimits(tx, r.Network, now, seen, most); err != nil {
		return Record{}, false, err
	}
	if r.Code, err = freshCode(tx); err != nil {
		return Record{}, false, err
	}
	r.Status = protocol.PairingPending
	r.ExpiresAt = now + protocol.Time(protocol.PairingExpiry.Milliseconds())
	return r, true, tx.Insert(r)
}

// newRecord is the record of a device that shows itself for the first time.
func newRecord(from Requester, kind Kind, now protocol.Time) Record {
	address := "unknown"
	if from.Address.IsValid() {
		address = from.Address.Unmap().String()
	}
	return Record{
		ID: newDeviceID(now.Go()), Secret: credential.DigestOf(from.Secret), Kind: kind,
		Name: Name(from.UserAgent, from.DeviceName), UserAgent: printable.Clean(from.UserAgent, maxUserAgent),
		Address: address, Network: ratelimit.Network(from.Address).String(),
		CreatedAt: now, LastSeenAt: now,
	}
}

// lastSeen gives when a device was last seen, given what is stored of that.
type lastSeen func(deviceID string, stored protocol.Time) protocol.Time

// withinLimits refuses a request of a network that may not make one now.
func withinLimits(tx Tx, network string, now protocol.Time, seen lastSeen, most int) error {
	denied, err := tx.LastDenied(network)
	if err != nil {
		return err
	}
	if wait := until(denied, denialCooldown, now); denied != 0 && wait > 0 {
		return exhausted("an admin has just denied a pairing from your address", wait)
	}
	waiting, err := tx.PendingOf(network, now)
	if err != nil {
		return err
	}
	there, free := 0, attention
	for _, r := range waiting {
		if wait := until(seen(r.ID, r.LastSeenAt), attention, now); wait > 0 {
			there, free = there+1, min(free, wait)
		}
	}
	if there >= maxOfNetwork {
		return exhausted(fmt.Sprintf("%d pairings from your address wait already: have one approved or close its page", there), free)
	}
	n, first, err := tx.CountPending(now)
	if err != nil {
		return err
	}
	if n >= most {
		return exhausted("too many pairings wait for an admin", until(first, 0, now))
	}
	return nil
}

// until is how long it is from now until d after at.
func until(at protocol.Time, d time.Duration, now protocol.Time) time.Duration {
	return at.Go().Add(d).Sub(now.Go())
}

func exhausted(why string, wait time.Duration) *protocol.Error {
	seconds := (wait + time.Second - 1) / time.Second
	return protocol.Exhausted(fmt.Sprintf("%s; try again in %d s", why, seconds), wait.Milliseconds())
}

// freshCode gives a code that no kept record has or had.
func freshCode(tx Tx) (string, error) {
	for range maxCodeAttempts {
		code := newCode()
		switch _, err := tx.ByCode(code); {
		case errors.Is(err, store.ErrNotFound):
			return code, nil
		case err != nil:
			return "", err
		}
	}
	return "", fmt.Errorf("no free code in %d attempts", maxCodeAttempts)
}

// Status tells a requester how its own request stands, and counts as being seen.
// A credential that is unknown or revoked is refused with NOT_PAIRED.
func (s *Service) Status(ctx context.Context, secret string) (protocol.PairingStatus, error) {
	r, err := s.bySecret(ctx, "read a pairing's status", secret)
	if err != nil {
		return protocol.PairingStatus{}, err
	}
	switch st := s.standing(r); {
	case st == protocol.PairingRevoked:
		return protocol.PairingStatus{}, notPaired(st)
	case r.Kind == SignedIn: // it never asked
		return protocol.PairingStatus{Status: st}, nil
	default:
		if st == protocol.PairingPending {
			s.Seen(r.ID)
		}
		return protocol.PairingStatus{Status: st, ExpiresAt: r.ExpiresAt}, nil
	}
}

// Seen notes that a device, or the requester of one that waits, is there. It is
// cheap; the next Sweep stores it. Call it only with ids that come from here.
func (s *Service) Seen(deviceID string) { s.seen.Seen(deviceID) }
