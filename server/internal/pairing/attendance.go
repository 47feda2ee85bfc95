package pairing

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ReconnectTime is how long a requester may be without a connection before it counts as
// gone: a page that reloads is back sooner.
const ReconnectTime = 3 * time.Second

// attendance knows which requesters are there at one moment.
type attendance struct {
	s       *Service
	waiting map[string]bool // the devices with a waiting connection; nil: unknown
	now     protocol.Time
}

func (s *Service) attendance() attendance {
	a := attendance{s: s, now: clock()}
	if s.waiting != nil {
		a.waiting = map[string]bool{}
		for _, id := range s.waiting() {
			a.waiting[id] = true
		}
	}
	return a
}

// attends reports whether somebody attends to the request: its requester has a connection
// open, or has just had one.
func (a attendance) attends(r Record) bool { return a.attendsTo(r.ID, r.LastSeenAt) }

func (a attendance) attendsTo(deviceID string, stored protocol.Time) bool {
	timeout := presenceTimeout
	if a.waiting != nil {
		timeout = ReconnectTime
	}
	return a.waiting[deviceID] || until(a.s.seen.Latest(deviceID, stored), timeout, a.now) > 0
}

func (a attendance) lastSeen(r Record) protocol.Time {
	return a.s.seen.Latest(r.ID, r.LastSeenAt)
}

// sort puts the attended requests first, the oldest of them first. The others follow, those
// who have left last before those who have left earlier.
func (a attendance) sort(pending []Record) {
	attended := make(map[string]bool, len(pending))
	for _, r := range pending {
		attended[r.ID] = a.attends(r)
	}
	slices.SortStableFunc(pending, func(x, y Record) int {
		switch {
		case attended[x.ID] != attended[y.ID] && attended[x.ID]:
			return -1
		case attended[x.ID] != attended[y.ID]:
			return 1
		case attended[x.ID]:
			return cmp.Or(cmp.Compare(x.CreatedAt, y.CreatedAt), cmp.Compare(x.ID, y.ID))
		}
		return cmp.Or(cmp.Compare(a.lastSeen(y), a.lastSeen(x)), cmp.Compare(y.ID, x.ID))
	})
}
