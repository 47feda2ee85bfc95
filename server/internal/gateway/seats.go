package gateway

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// seats are the places of connections, taken before a WebSocket is opened and
// given back when it has ended.
type seats struct {
	mu        sync.Mutex
	all       int
	lastID    uint64
	byUser    map[string]int
	byNetwork map[netip.Prefix]*neighbours
	pending   int
}

// neighbours are the connections of one network.
type neighbours struct {
	all     int
	pending map[*seat]struct{}
}

// seat is one connection's. Its fields are guarded by the seats' mutex.
type seat struct {
	id      uint64
	network netip.Prefix
	user    string // whose it is; empty: nobody's, as yet
	pending bool
	taken   time.Time
	conn    *conn.Conn // nil until the WebSocket is open
}

func newSeats() *seats {
	return &seats{byUser: map[string]int{}, byNetwork: map[netip.Prefix]*neighbours{}}
}

// Full is why no further connection is taken. It is told before the WebSocket is
// opened.
type Full struct {
	Cause metrics.Refusal
	Err   *protocol.Error // what the client may know
}

// Error is Err's.
func (f *Full) Error() string { return f.Err.Error() }

// Unwrap gives Err.
func (f *Full) Unwrap() error { return f.Err }

// How long those are told to wait who found no seat.
const (
	retryFull    = 10 * time.Second
	retryPending = 2 * time.Second
)

// take gives a seat, or says why there is none. When too many connections are
// pending, the network that has the most of them gives one up for a network with
// fewer: nobody keeps the others out alone. Nor do many networks together: for one
// that has none, the oldest gives way, once it has had time to authenticate.
func (s *seats) take(peer Peer, l Limits) (taken *seat, displaced *conn.Conn, full *Full) {
	s.mu.Lock()
	defer s.mu.Unlock()
	network := auth.Network(peer.Address)
	near := s.byNetwork[network]
	if near == nil {
		near = &neighbours{pending: map[*seat]struct{}{}}
	}
	switch {
	case s.all >= l.Connections:
		return nil, nil, refuseFull(metrics.RefusedFull, "this gateway has "+strconv.Itoa(l.Connections)+" connections, which is its limit", retryFull)
	case near.all >= l.ConnectionsPerAddress && !peer.Proxy:
		return nil, nil, refuseFull(metrics.RefusedAddress, "your address has "+strconv.Itoa(l.ConnectionsPerAddress)+
			" connections, which is the limit: close some of them", retryFull)
	case s.pending >= l.PendingConnections:
		if displaced = s.displace(len(near.pending)); displaced == nil {
			return nil, nil, refuseFull(metrics.RefusedPending, "too many connections wait to be authenticated", retryPending)
		}
	}
	s.lastID++
	taken = &seat{id: s.lastID, network: network, pending: true, taken: time.Now()}
	s.all++
	s.pending++
	near.all++
	near.pending[taken] = struct{}{}
	s.byNetwork[network] = near
	return taken, displaced, nil
}

func refuseFull(cause metrics.Refusal, why string, retry time.Duration) *Full {
	return &Full{cause, protocol.Exhausted(why, retry.Milliseconds())}
}

// displace ends the oldest pending connection of the network that has the most,
// if that is more than one beyond mine, or else of all that are not young, if mine
// are none.
func (s *seats) displace(mine int) *conn.Conn {
	var most *neighbours
	for _, n := range s.byNetwork {
		if len(n.pending) > mine+1 && (most == nil || len(n.pending) > len(most.pending)) {
			most = n
		}
	}
	var oldest *seat
	switch {
	case most != nil:
		oldest = most.oldest()
	case mine == 0:
		for _, n := range s.byNetwork {
			if first := n.oldest(); first != nil && time.Since(first.taken) > retryPending && (oldest == nil || first.id < oldest.id) {
				oldest = first
			}
		}
	}
	if oldest == nil {
		return nil
	}
	s.settle(oldest)
	return oldest.conn
}

// oldest is the pending connection that has been there for longest, or nil.
func (n *neighbours) oldest() (oldest *seat) {
	for place := range n.pending {
		if place.conn != nil && (oldest == nil || place.id < oldest.id) {
			oldest = place
		}
	}
	return oldest
}

// settle takes a seat off those that are pending.
func (s *seats) settle(place *seat) {
	if place.pending {
		place.pending = false
		s.pending--
		delete(s.byNetwork[place.network].pending, place)
	}
}

// open names the connection that sits there.
func (s *seats) open(place *seat, c *conn.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place.conn = c
}

// join makes the seat a user's, unless the user has as many as it may.
func (s *seats) join(place *seat, user string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser[user] >= most {
		return false
	}
	s.byUser[user]++
	place.user = user
	s.settle(place)
	return true
}

// part undoes join for a connection that was not let in after all.
func (s *seats) part(place *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unjoin(place)
	if !place.pending {
		place.pending = true
		s.pending++
		s.byNetwork[place.network].pending[place] = struct{}{}
	}
}

func (s *seats) unjoin(place *seat) {
	if place.user == "" {
		return
	}
	if s.byUser[place.user]--; s.byUser[place.user] == 0 {
		delete(s.byUser, place.user)
	}
	place.user = ""
}

// giveBack frees a seat.
func (s *seats) giveBack(place *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unjoin(place)
	s.settle(place)
	s.all--
	near := s.byNetwork[place.network]
	if near.all--; near.all == 0 {
		delete(s.byNetwork, place.network)
	}
}
