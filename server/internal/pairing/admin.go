package pairing

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of lists. They also end early so that one fits into a frame.
const (
	maxListedPending = 200
	maxListedPaired  = 500
	maxListedBytes   = 200 << 10 // of either, encoded
)

// List gives what waits and what may connect, newest first. A code that is on no
// list for its length can be approved all the same.
func (s *Service) List(ctx context.Context) (protocol.DeviceListResult, error) {
	var waiting, approved []Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		if waiting, err = tx.List(protocol.PairingPending, maxListedPending); err != nil {
			return err
		}
		approved, err = tx.List(protocol.PairingApproved, maxListedPaired)
		return err
	})
	if err != nil {
		return protocol.DeviceListResult{}, unchecked("list the devices", err)
	}
	// Lists travel as [], not as null.
	list := protocol.DeviceListResult{Pending: []protocol.PendingDevice{}, Paired: []protocol.PairedDevice{}}
	var buf []byte
	size := 0
	for _, r := range waiting {
		if size < maxListedBytes && s.standing(r) == protocol.PairingPending {
			p := r.pending()
			buf = p.AppendJSON(buf[:0])
			size += len(buf)
			list.Pending = append(list.Pending, p)
		}
	}
	size = 0
	for _, r := range approved {
		if size < maxListedBytes && s.standing(r) == protocol.PairingApproved {
			p := s.device(r).PairedDevice
			buf = p.AppendJSON(buf[:0])
			size += len(buf)
			list.Paired = append(list.Paired, p)
		}
	}
	return list, nil
}

// Pending gives the request that waits with a code, as people type it; found is
// false if none does.
func (s *Service) Pending(ctx context.Context, code string) (p protocol.PendingDevice, found bool, err error) {
	code, ok := ParseCode(code)
	if !ok {
		return protocol.PendingDevice{}, false, nil
	}
	var r Record
	err = s.store.View(ctx, func(tx Tx) (err error) {
		r, err = tx.ByCode(code)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return protocol.PendingDevice{}, false, nil
	case err != nil:
		return protocol.PendingDevice{}, false, unchecked("find a request", err)
	case s.standing(r) != protocol.PairingPending:
		return protocol.PendingDevice{}, false, nil
	}
	return r.pending(), true, nil
}

// Past is a request or a device about which something was decided.
type Past struct {
	protocol.PairedDevice
	Code       string
	Status     string
	ResolvedAt protocol.Time
	ResolvedBy string // empty: the gateway, for an expired request
}

// History gives what was decided last, latest first; limit is between 1 and
// protocol.MaxListLimit. A device is there once, with the last decision.
func (s *Service) History(ctx context.Context, limit int) ([]Past, error) {
	var records []Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		records, err = tx.Resolved(max(1, min(limit, protocol.MaxListLimit)))
		return err
	})
	if err != nil {
		return nil, unchecked("read the history", err)
	}
	past := make([]Past, 0, len(records))
	for _, r := range records {
		past = append(past, Past{
			PairedDevice: s.device(r).PairedDevice, Code: r.Code,
			Status: r.Status, ResolvedAt: r.ResolvedAt, ResolvedBy: r.ResolvedBy,
		})
	}
	return past, nil
}

// Approved is the outcome of an approval.
type Approved struct {
	Device  protocol.PairedDevice
	Existed bool // the user had a device before: the new one joins it
}

// Approve lets the device with the code in, as a fresh user unless one is named
// and as an operator unless a role is. Of several approvals and denials of one
// code the first counts; by says whose it was.
func (s *Service) Approve(ctx context.Context, by string, p protocol.DeviceApproveParams) (Approved, error) {
	code, label, err := checkApproval(&p)
	if err != nil {
		return Approved{}, err
	}
	var done Approved
	err = s.change(ctx, "approve a pairing", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := waiting(tx, code, now)
		if err != nil {
			return nil, err
		}
		if r.UserID, done.Existed, err = chooseUser(tx, p.UserID); err != nil {
			return nil, err
		}
		r.Role, r.Label = p.Role, label
		r.resolve(protocol.PairingApproved, by, now)
		done.Device = r.paired()
		return s.resolved(r), tx.Replace(r)
	})
	if err != nil {
		return Approved{}, err
	}
	return done, nil
}

// checkApproval reads an approval's code and label and fills in its role.
func checkApproval(p *protocol.DeviceApproveParams) (code, label string, err error) {
	if code, err = parseCode(p.Code); err != nil {
		return "", "", err
	}
	if p.Role == "" {
		p.Role = protocol.Operator
	}
	if !p.Role.Valid() {
		return "", "", protocol.Refuse(protocol.InvalidRequest, "role must be viewer, operator or admin")
	}
	if p.UserID != "" && !validUserID(p.UserID) {
		return "", "", protocol.Refuse(protocol.InvalidRequest,
			fmt.Sprintf("userId must be 1 to %d characters of A-Z a-z 0-9 . _ : @ -, or absent for a new user", protocol.MaxUserIDLength))
	}
	// One more than allowed, to see whether it is too long.
	label = printable.Clean(p.Label, protocol.MaxLabelLength+1)
	if len([]rune(label)) > protocol.MaxLabelLength {
		return "", "", protocol.Refuse(protocol.InvalidRequest, fmt.Sprintf("label must be at most %d characters", protocol.MaxLabelLength))
	}
	return code, label, nil
}

func parseCode(text string) (string, error) {
	code, ok := ParseCode(text)
	if !ok {
		return "", protocol.Refuse(protocol.InvalidRequest,
			fmt.Sprintf("code must be the %d characters that the other screen shows (letters and digits, without 0, 1, I and O)", protocol.PairingCodeLength))
	}
	return code, nil
}

func validUserID(s string) bool {
	return len(s) <= protocol.MaxUserIDLength && printable.ID(s)
}

// chooseUser gives the user of a device: the one that is named, or one that
// nobody is.
func chooseUser(tx Tx, named string) (id string, existed bool, err error) {
	if named != "" {
		existed, err = tx.UserKnown(named)
		return named, existed, err
	}
	for range maxCodeAttempts {
		id = newUserID()
		if existed, err = tx.UserKnown(id); err != nil || !existed {
			return id, false, err
		}
	}
	return "", false, fmt.Errorf("no free user id in %d attempts", maxCodeAttempts)
}

// waiting finds the request with the code, or says why there is none.
func waiting(tx Tx, code string, now protocol.Time) (Record, error) {
	r, err := tx.ByCode(code)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Record{}, protocol.Refuse(protocol.NotFound, "no pairing has this code; compare it with the other screen")
	case err != nil:
		return Record{}, err
	}
	switch r.status(now) {
	case protocol.PairingPending:
		return r, nil
	case protocol.PairingExpired:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition, "this code has expired; the other device must ask again")
	case protocol.PairingDenied:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition, "this code has been denied; the other device must ask again")
	default:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition, "this code has been used; a code pairs one device once")
	}
}

// Deny refuses the request with the code; see Request for what follows from it.
func (s *Service) Deny(ctx context.Context, by, code string) error {
	code, err := parseCode(code)
	if err != nil {
		return err
	}
	return s.change(ctx, "deny a pairing", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := waiting(tx, code, now)
		if err != nil {
			return nil, err
		}
		r.resolve(protocol.PairingDenied, by, now)
		return s.resolved(r), tx.Replace(r)
	})
}

// Revoke ends a device's right to connect. Revoking it again changes nothing.
func (s *Service) Revoke(ctx context.Context, by, deviceID string) error {
	return s.change(ctx, "revoke a device", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := tx.ByID(deviceID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, protocol.Refuse(protocol.NotFound, "no device has this id; device.pair.list shows those there are")
		case err != nil:
			return nil, err
		}
		switch r.Status {
		case protocol.PairingApproved:
			r.resolve(protocol.PairingRevoked, by, now)
			return s.resolved(r), tx.Replace(r)
		case protocol.PairingRevoked:
			return nil, nil
		default:
			return nil, protocol.Refuse(protocol.FailedPrecondition, "this device is not paired, so there is nothing to revoke; a request that waits is denied by its code")
		}
	})
}
