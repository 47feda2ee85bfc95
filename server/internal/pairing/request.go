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

// Requester is what is known about a device that asks to be paired or signs in.
type Requester struct {
	Secret     string     // the device's credential
	InCookie   bool       // the credential is in a browser's cookie
	Address    netip.Addr // may be invalid
	UserAgent  string     // as it was sent
	DeviceName string     // as it was sent
}

// Request returns the pending request of the credential, or creates one. While the
// request is pending, its code does not change, not even by a restart. The device counts
// as seen.
//
// Request refuses
//   - with RESOURCE_EXHAUSTED if the network has too many pending requests or was just
//     denied, or if there are too many pending requests in all and none of them makes way
//     (see makeRoom);
//   - with NOT_PAIRED and the status if the credential was denied, expired or revoked;
//   - with FAILED_PRECONDITION if the device is paired.
func (s *Service) Request(ctx context.Context, from Requester) (protocol.PendingDevice, error) {
	const what = "request a pairing"
	if !ValidCredential(from.Secret) {
		return protocol.PendingDevice{}, malformed()
	}
	// A page that reloads while its request is pending needs no transaction that writes.
	r, err := s.bySecret(ctx, what, from.Secret)
	if status(err) == protocol.PairingUnknown {
		err = s.change(ctx, what, func(tx Tx, now protocol.Time) (func(), error) {
			var created bool
			var displaced []Record
			r, created, displaced, err = s.findOrCreate(tx, from, now)
			if err != nil || !created {
				return nil, err
			}
			requested, err := s.marked(tx, r, now)
			return func() {
				for _, d := range displaced {
					s.notifyResolved(d)()
				}
				s.notifier.PairingRequested(requested)
			}, err
		})
	}
	if err != nil {
		return protocol.PendingDevice{}, err
	}
	switch st := s.currentStatus(r); st {
	case protocol.PairingPending:
		s.Seen(r.ID)
		return s.rename(ctx, r, from)
	case protocol.PairingApproved:
		return protocol.PendingDevice{}, protocol.Refuse(protocol.FailedPrecondition,
			"this device is already paired: connect with its credential")
	default:
		return protocol.PendingDevice{}, notPaired(st)
	}
}

// rename changes the name of a device with a pending request, if the requester has sent
// another one, and notifies of the request again.
func (s *Service) rename(ctx context.Context, r Record,
	from Requester) (protocol.PendingDevice, error) {
	name := Name(from.UserAgent, from.DeviceName)
	if from.DeviceName == "" || name == r.Name {
		return r.pending(), nil
	}
	result := r
	err := s.change(ctx, "rename a device", func(tx Tx, now protocol.Time) (func(), error) {
		result = r
		current, err := tx.ByID(r.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil &&
			current.Status != protocol.PairingPending:
			return nil, nil // an admin has decided meanwhile: keep the name that the admin read
		case err != nil:
			return nil, err
		}
		current.Name = name
		result = current
		requested, err := s.marked(tx, current, now)
		if err != nil {
			return nil, err
		}
		return func() { s.notifier.PairingRequested(requested) }, tx.Replace(current)
	})
	return result.pending(), err
}

// status returns the pairing status in a NOT_PAIRED refusal, or "" for any other error.
func status(err error) string {
	var refusal *protocol.Error
	if errors.As(err, &refusal) && refusal.Details != nil {
		return refusal.Details.Status
	}
	return ""
}

// findOrCreate returns the record of the credential. If there is none, it creates a
// pending one, within the limits. displaced are the requests that made way for it.
func (s *Service) findOrCreate(tx Tx, from Requester, now protocol.Time) (r Record, created bool,
	displaced []Record, err error) {
	r, err = tx.BySecret(credential.DigestOf(from.Secret))
	if !errors.Is(err, store.ErrNotFound) {
		return r, false, nil, err
	}
	r = newRecord(from, Paired, now)
	if err := s.withinLimits(tx, r.Network, now); err != nil {
		return Record{}, false, nil, err
	}
	if displaced, err = s.makeRoom(tx, r.Network, now); err != nil {
		return Record{}, false, nil, err
	}
	if r.Code, err = unusedCode(tx); err != nil {
		return Record{}, false, nil, err
	}
	r.Status, r.Renew = protocol.PairingPending, from.InCookie
	r.ExpiresAt = now + protocol.Time(protocol.PairingExpiry.Milliseconds())
	return r, true, displaced, tx.Insert(r)
}

// newRecord returns the record of a new device, without status, user and role.
func newRecord(from Requester, kind Kind, now protocol.Time) Record {
	address := "unknown"
	if from.Address.IsValid() {
		address = from.Address.Unmap().String()
	}
	return Record{
		ID: newDeviceID(now.Go()), Secret: credential.DigestOf(from.Secret), Kind: kind,
		Name:      Name(from.UserAgent, from.DeviceName),
		UserAgent: printable.Clean(from.UserAgent, maxUserAgent),
		Address:   address, Network: ratelimit.Network(from.Address).String(),
		CreatedAt: now, LastSeenAt: now,
	}
}

// withinLimits refuses a request of a network that may not make one now.
func (s *Service) withinLimits(tx Tx, network string, now protocol.Time) error {
	denied, err := tx.LastDenied(network)
	if err != nil {
		return err
	}
	denied = max(denied, s.denied.lastDenied(network))
	if wait := until(denied, denialCooldown, now); denied != 0 && wait > 0 {
		return exhausted("an admin has just denied a pairing from your address", wait)
	}
	pending, err := tx.PendingOfNetwork(network, now)
	if err != nil {
		return err
	}
	present, wait := 0, presenceTimeout
	for _, r := range pending {
		if left := until(s.seen.Latest(r.ID, r.LastSeenAt), presenceTimeout, now); left > 0 {
			present, wait = present+1, min(wait, left)
		}
	}
	if present >= maxPerNetwork {
		return exhausted(fmt.Sprintf("%d pairings from your network are already waiting for "+
			"approval: have one of them approved, or close its page", present), wait)
	}
	return nil
}

// until returns the time from now until d after at.
func until(at protocol.Time, d time.Duration, now protocol.Time) time.Duration {
	return at.Go().Add(d).Sub(now.Go())
}

// exhausted returns a refusal that may be retried after wait.
func exhausted(why string, wait time.Duration) *protocol.Error {
	seconds := (wait + time.Second - 1) / time.Second
	return protocol.Exhausted(fmt.Sprintf("%s; try again in %d s", why, seconds),
		wait.Milliseconds())
}

// unusedCode returns a code that no stored record has or had.
func unusedCode(tx Tx) (string, error) {
	for range maxCodeAttempts {
		code := newCode()
		switch _, err := tx.ByCode(code); {
		case errors.Is(err, store.ErrNotFound):
			return code, nil
		case err != nil:
			return "", err
		}
	}
	return "", fmt.Errorf("no unused code in %d attempts", maxCodeAttempts)
}

// Status returns the status of the requester's own request. While the request is pending,
// the device counts as seen. If the credential is unknown or revoked, Status refuses with
// NOT_PAIRED.
func (s *Service) Status(ctx context.Context, secret string) (protocol.PairingStatus, error) {
	r, err := s.bySecret(ctx, "read a pairing's status", secret)
	if err != nil {
		return protocol.PairingStatus{}, err
	}
	switch st := s.currentStatus(r); {
	case st == protocol.PairingRevoked:
		return protocol.PairingStatus{}, notPaired(st)
	case r.Kind == SignedIn: // there was no request
		return protocol.PairingStatus{Status: st}, nil
	default:
		if st == protocol.PairingPending {
			s.Seen(r.ID)
		}
		return protocol.PairingStatus{Status: st, ExpiresAt: r.ExpiresAt}, nil
	}
}

// Seen records that a device is present. It is cheap: the next Sweep stores the time. The
// id must be one that this package has returned.
func (s *Service) Seen(deviceID string) { s.seen.Seen(deviceID) }
