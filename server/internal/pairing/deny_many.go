package pairing

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxDenied is how many requests one call denies: each has an entry in the audit log.
const maxDenied = 200

// ParseNetwork returns the network that an admin has named: an address, which stands for
// the network by which it is limited, or a prefix.
func ParseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return ratelimit.Network(address), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Bits() == 0 {
		return netip.Prefix{}, protocol.Refuse(protocol.InvalidRequest, "network must be an "+
			"address or a network, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/48")
	}
	return p.Masked(), nil
}

// OfNetwork returns the ids of the pending devices of a network, oldest first; more
// reports that there are others than those.
func (s *Service) OfNetwork(ctx context.Context, network netip.Prefix) (ids []string, more bool,
	err error) {
	return s.pendingWhere(ctx, func(r Record) bool {
		of, err := netip.ParsePrefix(r.Network)
		return err == nil && network.Bits() <= of.Bits() && network.Contains(of.Addr())
	})
}

// Left returns the ids of the pending devices that nobody attends to, oldest first; more
// reports that there are others than those.
func (s *Service) Left(ctx context.Context) (ids []string, more bool, err error) {
	a := s.attendance()
	return s.pendingWhere(ctx, func(r Record) bool { return !a.attends(r) })
}

func (s *Service) pendingWhere(ctx context.Context, is func(Record) bool) (ids []string, more bool,
	err error) {
	var pending []Record
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		pending, err = tx.List(protocol.PairingPending, maxSorted)
		return err
	}); err != nil {
		return nil, false, unavailable("list the pending requests", err)
	}
	for _, r := range slices.Backward(pending) { // oldest first
		switch {
		case s.currentStatus(r) != protocol.PairingPending || !is(r):
		case len(ids) == maxDenied:
			return ids, true, nil
		default:
			ids = append(ids, r.ID)
		}
	}
	return ids, false, nil
}

// DenyMany denies the requests of devices, on behalf of the admin by, and returns how many
// of them were still pending. Their networks cannot ask again for denialCooldown.
func (s *Service) DenyMany(ctx context.Context, by string, deviceIDs []string) (n int, err error) {
	err = s.change(ctx, "deny pairings", func(tx Tx, now protocol.Time) (func(), error) {
		var denied []Record
		for _, id := range deviceIDs {
			r, err := tx.ByID(id)
			switch {
			case errors.Is(err, store.ErrNotFound):
				continue
			case err != nil:
				return nil, fmt.Errorf("device %s: %w", id, err)
			case r.status(now) != protocol.PairingPending:
				continue
			}
			r.resolve(protocol.PairingDenied, by, now)
			if err := tx.Replace(r); err != nil {
				return nil, err
			}
			denied = append(denied, r)
		}
		n = len(denied)
		return func() {
			for _, r := range denied {
				s.notifyResolved(r)()
			}
		}, nil
	})
	return n, err
}
