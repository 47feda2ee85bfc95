package pairing

import (
	"net/netip"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// fairTime is how long an attended request keeps its place against requests of networks
// that have none.
const fairTime = 10 * time.Minute

// retryFull is the longest retry delay when no request makes way: places are freed as soon
// as requesters leave, long before their requests expire.
const retryFull = time.Minute

// makeRoom makes room for a request of the network, if there are as many pending requests
// as there may be: it lets others expire, and returns them. If no request makes way, it
// refuses.
func (s *Service) makeRoom(tx Tx, network string, now protocol.Time) ([]Record, error) {
	most := s.settings().MaxPending
	n, first, err := tx.CountPending(now)
	if err != nil || n < most {
		return nil, err
	}
	places, err := tx.Places(now)
	if err != nil {
		return nil, err
	}
	d := newDesk(places, s.attendance())
	var displaced []Record
	for ; n >= most; n-- {
		id, ok := d.displace(network)
		if !ok {
			return nil, exhausted("too many pairings are waiting for approval",
				min(until(first, 0, now), retryFull))
		}
		r, err := tx.ByID(id)
		if err != nil {
			return nil, err
		}
		r.resolve(protocol.PairingExpired, "", now)
		if err := tx.Replace(r); err != nil {
			return nil, err
		}
		displaced = append(displaced, r)
	}
	return displaced, nil
}

// desk is the pending requests when there are too many, and decides which of them makes
// way for another. It counts by site and network, so that nobody's requests can take all
// places: neither one network's, nor those of one site with many networks.
type desk struct {
	now      protocol.Time
	requests []deskRequest
	networks map[string]int
	sites    map[netip.Prefix]int
}

type deskRequest struct {
	Place
	site     netip.Prefix
	attended bool
}

func newDesk(places []Place, a attendance) *desk {
	d := &desk{now: a.now, networks: map[string]int{}, sites: map[netip.Prefix]int{}}
	for _, p := range places {
		site := siteOf(p.Network)
		d.requests = append(d.requests, deskRequest{p, site, a.attendsTo(p.ID, p.LastSeenAt)})
		d.networks[p.Network]++
		d.sites[site]++
	}
	return d
}

func siteOf(network string) netip.Prefix {
	p, _ := netip.ParsePrefix(network) // an unknown address is a site of its own
	return ratelimit.Site(p)
}

// displace removes the request that makes way for one of the network, and returns its id:
// the oldest unattended one of the busiest network. If all are attended, it is the newest
// one of the busiest network, if that has at least two more than the caller's; else, if
// the caller's has none, the oldest one that has had fairTime.
func (d *desk) displace(network string) (id string, ok bool) {
	site := siteOf(network)
	best := -1
	choose := func(may func(deskRequest) bool, better func(r, best deskRequest) bool) {
		for i, r := range d.requests {
			if may(r) && (best < 0 || better(r, d.requests[best])) {
				best = i
			}
		}
	}
	choose(func(r deskRequest) bool { return !r.attended }, func(r, best deskRequest) bool {
		busier := d.compareLoad(r, best)
		return busier > 0 || busier == 0 && older(r.Place, best.Place)
	})
	if best < 0 {
		choose(func(r deskRequest) bool {
			if r.site != site {
				return d.sites[r.site] >= d.sites[site]+2
			}
			return d.networks[r.Network] >= d.networks[network]+2
		}, func(r, best deskRequest) bool {
			busier := d.compareLoad(r, best)
			return busier > 0 || busier == 0 && older(best.Place, r.Place)
		})
	}
	if best < 0 && d.networks[network] == 0 {
		choose(func(r deskRequest) bool { return until(r.CreatedAt, fairTime, d.now) <= 0 },
			func(r, best deskRequest) bool { return older(r.Place, best.Place) })
	}
	if best < 0 {
		return "", false
	}
	return d.remove(best), true
}

// compareLoad is positive if the site of a, or else its network, has more requests than
// that of b, and negative if it has fewer.
func (d *desk) compareLoad(a, b deskRequest) int {
	if by := d.sites[a.site] - d.sites[b.site]; by != 0 {
		return by
	}
	return d.networks[a.Network] - d.networks[b.Network]
}

func older(a, b Place) bool {
	return a.CreatedAt < b.CreatedAt || a.CreatedAt == b.CreatedAt && a.ID < b.ID
}

func (d *desk) remove(i int) (id string) {
	r := d.requests[i]
	last := len(d.requests) - 1
	d.requests[i] = d.requests[last]
	d.requests = d.requests[:last]
	d.networks[r.Network]--
	d.sites[r.site]--
	return r.ID
}
