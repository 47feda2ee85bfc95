package pairing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of lists. A list also ends when it has maxListedBytes or maxUsersBytes, so that
// all of them fit into a frame.
const (
	maxListedPending = 200
	maxListedPaired  = 500
	maxListedUsers   = 1000
	maxListedBytes   = 200 << 10 // of JSON, in the lists of requests and of devices
	maxUsersBytes    = 64 << 10  // of JSON, in the list of users
	// maxSorted is how many pending requests List looks at, the newest ones.
	maxSorted = 5000
)

// List returns the pending requests, the attended ones first and the oldest first among
// them; the paired devices, newest first; and the users who exist. If a list is too long,
// the last ones are left out; codes that are not listed can still be found (Pending),
// approved and denied.
func (s *Service) List(ctx context.Context) (protocol.DeviceListResult, error) {
	var pending, approved []Record
	var users []protocol.KnownUser
	err := s.store.View(ctx, func(tx Tx) (err error) {
		if pending, err = tx.List(protocol.PairingPending, maxSorted); err != nil {
			return err
		}
		if approved, err = tx.List(protocol.PairingApproved, maxListedPaired); err != nil {
			return err
		}
		users, err = tx.Users(clock(), maxKnownUsers)
		return err
	})
	if err != nil {
		return protocol.DeviceListResult{}, unavailable("list the devices", err)
	}
	list := protocol.DeviceListResult{Paired: []protocol.PairedDevice{}} // JSON must have []
	list.Pending, list.PendingTotal = s.listPending(pending, newKnownNames(users, approved, clock()))
	left := maxListedBytes
	for _, r := range approved {
		if s.currentStatus(r) != protocol.PairingApproved {
			continue
		}
		d := s.device(r).PairedDevice
		if left -= len(d.AppendJSON(nil)); left < 0 {
			break
		}
		list.Paired = append(list.Paired, d)
	}
	left = maxUsersBytes
	for _, u := range users[:min(len(users), maxListedUsers)] {
		if left -= len(u.AppendJSON(nil)); left < 0 {
			break
		}
		list.Users = append(list.Users, u)
	}
	return list, nil
}

// listPending returns the pending ones of the records as they are listed, and how many
// there are if some are left out.
func (s *Service) listPending(records []Record, names *knownNames) (list []protocol.PendingDevice,
	total int64) {
	records = slices.DeleteFunc(records, func(r Record) bool {
		return s.currentStatus(r) != protocol.PairingPending
	})
	a := s.attendance()
	a.sort(records)
	list = []protocol.PendingDevice{} // JSON must have []
	left := maxListedBytes
	for _, r := range records {
		p := r.pending()
		p.Left = !a.attends(r)
		names.mark(&p)
		if left -= len(p.AppendJSON(nil)); left < 0 || len(list) == maxListedPending {
			return list, int64(len(records))
		}
		list = append(list, p)
	}
	return list, 0
}

// Pending returns the pending request with a code, which may be written as people type
// it. found is false if there is none.
func (s *Service) Pending(ctx context.Context,
	code string) (p protocol.PendingDevice, found bool, err error) {
	code, ok := ParseCode(code)
	if !ok {
		return protocol.PendingDevice{}, false, nil
	}
	return s.findPending(ctx, func(tx Tx) (Record, error) { return tx.ByCode(code) })
}

// PendingByID returns the pending request of a device. found is false if there is none.
func (s *Service) PendingByID(ctx context.Context,
	deviceID string) (p protocol.PendingDevice, found bool, err error) {
	return s.findPending(ctx, func(tx Tx) (Record, error) { return tx.ByID(deviceID) })
}

func (s *Service) findPending(ctx context.Context,
	find func(Tx) (Record, error)) (p protocol.PendingDevice, found bool, err error) {
	var r Record
	err = s.store.View(ctx, func(tx Tx) (err error) {
		if r, err = find(tx); err != nil {
			return err
		}
		p, err = s.marked(tx, r, clock())
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return protocol.PendingDevice{}, false, nil
	case err != nil:
		return protocol.PendingDevice{}, false, unavailable("find a request", err)
	case s.currentStatus(r) != protocol.PairingPending:
		return protocol.PendingDevice{}, false, nil
	}
	p.Left = !s.attendance().attends(r)
	return p, true, nil
}

// ByCode returns the id of the device that has or had the code, which may be written as
// people type it, whatever became of its request. The id is "" if there is none.
func (s *Service) ByCode(ctx context.Context, code string) (deviceID string, err error) {
	code, ok := ParseCode(code)
	if !ok {
		return "", nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		r, err := tx.ByCode(code)
		deviceID = r.ID
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", unavailable("find a code", err)
	}
	return deviceID, nil
}

// Resolved is a request or a device whose status was changed.
type Resolved struct {
	protocol.PairedDevice
	Code       string
	Status     string
	ResolvedAt protocol.Time // when the status was last changed
	ResolvedBy string        // who changed the status; "" is the gateway
}

// History returns the last changes of status, latest first. limit is clamped to 1 and
// protocol.MaxListLimit. Each device is listed once, with its last change.
func (s *Service) History(ctx context.Context, limit int) ([]Resolved, error) {
	var records []Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		records, err = tx.Resolved(max(1, min(limit, protocol.MaxListLimit)))
		return err
	})
	if err != nil {
		return nil, unavailable("read the history", err)
	}
	past := make([]Resolved, 0, len(records))
	for _, r := range records {
		past = append(past, Resolved{
			PairedDevice: s.device(r).PairedDevice, Code: r.Code,
			Status: r.Status, ResolvedAt: r.ResolvedAt, ResolvedBy: r.ResolvedBy,
		})
	}
	return past, nil
}

// Approval is the result of Approve.
type Approval struct {
	Device  protocol.PairedDevice
	Existed bool // whether the user has had a device, an API key or a session before
}

// Approve approves the request with the code, on behalf of the admin by. Without
// p.UserID, the device gets a new user; without p.Role, it is an operator. The first
// approval or denial of a code counts; later ones are refused.
func (s *Service) Approve(ctx context.Context, by string,
	p protocol.DeviceApproveParams) (Approval, error) {
	code, label, err := checkApproval(&p)
	if err != nil {
		return Approval{}, err
	}
	var approval Approval
	err = s.change(ctx, "approve a pairing", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := pendingByCode(tx, code, now)
		if err != nil {
			return nil, err
		}
		if r.UserID, approval.Existed, err = chooseUser(tx, p.UserID); err != nil {
			return nil, err
		}
		r.Role, r.Label = p.Role, label
		r.resolve(protocol.PairingApproved, by, now)
		approval.Device = r.paired()
		notify := s.notifyResolved(r)
		return func() {
			s.names.Store(nil) // the device has a name of its own from now on
			notify()
		}, tx.Replace(r)
	})
	if err != nil {
		return Approval{}, err
	}
	return approval, nil
}

// checkApproval checks the parameters of an approval, and returns the code and the
// cleaned label. It sets the default role.
func checkApproval(p *protocol.DeviceApproveParams) (code, label string, err error) {
	if code, err = parseCode(p.Code); err != nil {
		return "", "", err
	}
	if p.Role == "" {
		p.Role = protocol.Operator
	}
	if !p.Role.Valid() {
		return "", "", protocol.Refuse(protocol.InvalidRequest,
			"role must be viewer, operator or admin")
	}
	if p.UserID != "" && !validUserID(p.UserID) {
		return "", "", protocol.Refuse(protocol.InvalidRequest,
			fmt.Sprintf("userId must be 1 to %d characters of A-Z a-z 0-9 . "+
				"_ : @ -, or absent for a new user", protocol.MaxUserIDLength))
	}
	// One character more than allowed, so that a label that is too long is noticed.
	label = printable.Clean(p.Label, protocol.MaxLabelLength+1)
	if len([]rune(label)) > protocol.MaxLabelLength {
		return "", "", protocol.Refuse(protocol.InvalidRequest,
			fmt.Sprintf("label must be at most %d characters", protocol.MaxLabelLength))
	}
	return code, label, nil
}

// parseCode is ParseCode with a refusal as its error.
func parseCode(text string) (string, error) {
	code, ok := ParseCode(text)
	if !ok {
		return "", protocol.Refuse(protocol.InvalidRequest,
			fmt.Sprintf("code must be the %d characters that the other screen shows (letters and "+
				"digits, without 0, 1, I and O)", protocol.PairingCodeLength))
	}
	return code, nil
}

// validUserID reports whether an admin may choose s as the id of a user.
func validUserID(s string) bool {
	return len(s) <= protocol.MaxUserIDLength && printable.ID(s)
}

// chooseUser returns the user id for a device: the named one, or an unused one if there
// is no name. The user of the gateway token always exists.
func chooseUser(tx Tx, named string) (id string, existed bool, err error) {
	if named != "" {
		existed, err = tx.UserExists(named)
		return named, existed || named == auth.AdminUser, err
	}
	for range maxCodeAttempts {
		id = newUserID()
		if existed, err = tx.UserExists(id); err != nil || !existed {
			return id, false, err
		}
	}
	return "", false, fmt.Errorf("no unused user id in %d attempts", maxCodeAttempts)
}

// pendingByCode returns the pending request with the code, or a refusal that says why
// there is none.
func pendingByCode(tx Tx, code string, now protocol.Time) (Record, error) {
	r, err := tx.ByCode(code)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Record{}, protocol.Refuse(protocol.NotFound,
			"no pairing has this code; compare it with the other screen")
	case err != nil:
		return Record{}, err
	}
	switch r.status(now) {
	case protocol.PairingPending:
		return r, nil
	case protocol.PairingExpired:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition,
			"this code has expired; the other device must ask again")
	case protocol.PairingDenied:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition,
			"this code has been denied; the other device must ask again")
	default:
		return Record{}, protocol.Refuse(protocol.FailedPrecondition,
			"this code has been used; a code pairs one device once")
	}
}

// Deny denies the request with the code, on behalf of the admin by. The network cannot
// ask again for denialCooldown.
func (s *Service) Deny(ctx context.Context, by, code string) error {
	code, err := parseCode(code)
	if err != nil {
		return err
	}
	return s.change(ctx, "deny a pairing", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := pendingByCode(tx, code, now)
		if err != nil {
			return nil, err
		}
		r.resolve(protocol.PairingDenied, by, now)
		return s.notifyResolved(r), tx.Replace(r)
	})
}

// Revoke revokes a paired device, on behalf of the admin by. To revoke it again changes
// nothing. Once the revocation is durable, and before the Notifier learns of it, Revoke
// calls done, unless done is nil.
func (s *Service) Revoke(ctx context.Context, by, deviceID string, done func()) error {
	if done == nil {
		done = func() {}
	}
	return s.change(ctx, "revoke a device", func(tx Tx, now protocol.Time) (func(), error) {
		r, err := tx.ByID(deviceID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, protocol.Refuse(protocol.NotFound,
				"no device has this id; device.pair.list lists the devices")
		case err != nil:
			return nil, err
		}
		switch r.Status {
		case protocol.PairingApproved:
			r.resolve(protocol.PairingRevoked, by, now)
			notify := s.notifyResolved(r)
			return func() { done(); notify() }, tx.Replace(r)
		case protocol.PairingRevoked:
			return done, nil
		default:
			return nil, protocol.Refuse(protocol.FailedPrecondition,
				"this device is not paired, so there is nothing to revoke; to reject a pending "+
					"request, deny its code")
		}
	})
}
