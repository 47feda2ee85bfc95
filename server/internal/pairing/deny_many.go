package pairing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxDenied is how many requests one call denies: each has an entry in the audit log.
const maxDenied = 200

// mappedBits is the length of the prefix of IPv4 addresses mapped into IPv6.
const mappedBits = 96

// ParseNetwork returns the network that an admin has named: an address, which stands for
// the network by which it is limited, or a prefix.
func ParseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if address, err := netip.ParseAddr(text); err == nil {
		return ratelimit.Network(address), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Bits() == 0 {
		return netip.Prefix{}, protocol.Refuse(protocol.InvalidRequest, "network must be an "+
			"address or a network, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/48, and cannot be "+
			"all addresses")
	}
	if p.Addr().Is4In6() && p.Bits() > mappedBits {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p.Masked(), nil
}

// OfNetwork returns the ids of the pending devices of a network, oldest first; more
// reports that there are others than those.
func (s *Service) OfNetwork(ctx context.Context, network netip.Prefix) (ids []string, more bool,
	err error) {
	return s.pendingWhere(ctx, func(r Record) bool { return contains(network, r.Network) })
}

// deniedNetworks are the networks that admins have denied as a whole and that cannot ask
// now. A restart forgets them. Its zero value is ready for use.
type deniedNetworks struct {
	// mu guards the following field.
	mu   sync.Mutex
	last map[netip.Prefix]protocol.Time // when each was denied
}

// RefuseNetwork has requests of the network refused for denialCooldown: a denial of its
// pending devices holds only for the part of the network that each of them is in.
func (s *Service) RefuseNetwork(network netip.Prefix) {
	now := clock()
	d := &s.denied
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		d.last = map[netip.Prefix]protocol.Time{}
	}
	maps.DeleteFunc(d.last, func(_ netip.Prefix, at protocol.Time) bool {
		return until(at, denialCooldown, now) <= 0
	})
	d.last[network] = now
}

// lastDenied is when a network that contains this one was denied as a whole, or 0.
func (d *deniedNetworks) lastDenied(network string) (last protocol.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for of, at := range d.last {
		if contains(of, network) {
			last = max(last, at)
		}
	}
	return last
}

// contains reports whether a network contains the one of a record.
func contains(network netip.Prefix, of string) bool {
	p, err := netip.ParsePrefix(of)
	return err == nil && network.Bits() <= p.Bits() && network.Contains(p.Addr())
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
