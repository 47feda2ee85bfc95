package registry

import (
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Reserve finds room for a connection, if need be by displacing a pending one. If there is
// no room, it gives a *Full. The caller calls Remove when the connection has ended, or was
// not opened after all.
//
// One network cannot keep the others out: when too many connections are pending, the
// network that has most of them loses one to a network that has fewer. Nor can many
// networks together: a network without a pending connection gets the place of the oldest
// one, once that one has had time to authenticate.
func (r *Registry) Reserve(peer access.Peer, l Limits) (*Connection, error) {
	c, displaced, full := r.reserve(peer, l)
	if displaced != nil {
		displaced.Close(protocol.CloseTooSlow, "too many connections wait to be authenticated: try again")
	}
	if full != nil {
		return nil, full
	}
	return c, nil
}

func (r *Registry) reserve(
	peer access.Peer, l Limits,
) (c *Connection, displaced *conn.Conn, _ *Full) {
	c = &Connection{Peer: peer, Since: time.Now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byNetwork[c.network()]
	if n == nil {
		n = &network{}
	}
	switch {
	case r.reserved >= l.Connections:
		return nil, nil, full(metrics.RefusedFull, "this gateway has "+strconv.Itoa(l.Connections)+
			" connections, which is its limit", RetryFull)
	case n.reserved >= l.ConnectionsPerAddress && !peer.Proxy:
		return nil, nil, full(metrics.RefusedAddress, "your address has "+
			strconv.Itoa(l.ConnectionsPerAddress)+
			" connections, which is the limit: close some of them", RetryFull)
	case r.pending >= l.PendingConnections:
		if displaced = r.displaceLocked(len(n.pending)); displaced == nil {
			return nil, nil, full(metrics.RefusedPending,
				"too many connections wait to be authenticated", RetryPending)
		}
	}
	r.lastID++
	c.ID, c.pending = r.lastID, true
	r.reserved++
	r.pending++
	n.reserved++
	n.pending = append(n.pending, c)
	r.byNetwork[c.network()] = n
	return c, displaced, nil
}

// displaceLocked makes one connection count as pending no longer, for a network that has
// own pending ones, and gives its socket, which the caller closes; nil: no connection can
// be displaced. It displaces the oldest pending connection of the network with most of
// them, if that network has at least two more than own. Otherwise, if own is 0, it
// displaces the oldest one that has had RetryPending to authenticate.
func (r *Registry) displaceLocked(own int) *conn.Conn {
	var most *network
	var oldest *Connection
	for _, n := range r.byNetwork {
		if len(n.pending) > own+1 && (most == nil || len(n.pending) > len(most.pending)) {
			most = n
		}
		first := n.oldestOpen()
		if own == 0 && first != nil && time.Since(first.Since) > RetryPending &&
			(oldest == nil || first.ID < oldest.ID) {
			oldest = first
		}
	}
	if most != nil {
		oldest = most.oldestOpen()
	}
	if oldest == nil {
		return nil
	}
	r.removePendingLocked(oldest)
	return oldest.socket
}

// oldestOpen is the network's oldest pending connection whose WebSocket is open, or nil.
func (n *network) oldestOpen() *Connection {
	for _, c := range n.pending {
		if c.socket != nil {
			return c
		}
	}
	return nil
}
