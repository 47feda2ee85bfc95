package registry

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
)

// Registry keeps the live connections of one gateway. Its methods are safe for concurrent
// use, and none of them waits for a client.
type Registry struct {
	// mu guards the following fields, and those of connections that say so.
	mu            sync.Mutex
	lastID        int64
	reserved      int // all connections, whether open or not
	pending       int // connections that count against Limits.PendingConnections
	authenticated int
	waiting       int // connections that wait for a pairing

	open      map[int64]*Connection // by id
	byUser    index
	byDevice  index
	byKey     index // by the id of an API key
	byCookie  index
	byPairing index // by the device id of the pairing that a connection waits for
	byNetwork map[netip.Prefix]*network
}

// network is the connections of one network.
type network struct {
	reserved int
	pending  []*Connection // oldest first
}

// New makes an empty Registry.
func New() *Registry {
	return &Registry{
		open: map[int64]*Connection{}, byNetwork: map[netip.Prefix]*network{},
		byUser: index{}, byDevice: index{}, byKey: index{}, byCookie: index{}, byPairing: index{},
	}
}

// Open says that the WebSocket of a reserved connection is open.
func (r *Registry) Open(c *Connection, socket *conn.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.socket = socket
	r.open[c.ID] = c
	r.byCookie.add(c.Peer.Cookie, c)
}

// Authenticate assigns an open connection to a user; program is the name that the client
// gives itself. If the user has most connections already, Authenticate changes nothing
// and reports false.
//
// From here on CloseDevice and CloseKey find the connection. A revocation that came
// earlier has not found it: so the caller checks the credential once more, and calls
// Deauthenticate if the credential is not valid any more.
func (r *Registry) Authenticate(
	c *Connection, who *access.Identity, program string, most int,
) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byUser[who.UserID]) >= most {
		return false
	}
	c.who, c.program = who, program
	r.authenticated++
	r.byUser.add(who.UserID, c)
	r.byDevice.add(who.DeviceID, c)
	r.byKey.add(who.KeyID, c)
	r.removePendingLocked(c)
	return true
}

// Deauthenticate undoes Authenticate.
func (r *Registry) Deauthenticate(c *Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unassignUserLocked(c)
	if !c.pending {
		c.pending = true
		r.pending++
		n := r.byNetwork[c.network()]
		i, _ := slices.BinarySearchFunc(n.pending, c, byID)
		n.pending = slices.Insert(n.pending, i, c)
	}
}

// Wait makes an open connection wait for the pairing of a device. The connection does not
// wait for any earlier one any more.
func (r *Registry) Wait(c *Connection, deviceID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopWaitingLocked(c)
	c.pairing = deviceID
	r.waiting++
	r.byPairing.add(deviceID, c)
}

// StopWaiting undoes Wait. A connection that does not wait stays as it is.
func (r *Registry) StopWaiting(c *Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopWaitingLocked(c)
}

// Remove forgets a connection that has ended or was never opened. waitedFor is the device
// id of the pairing that the connection has waited for; empty: none.
func (r *Registry) Remove(c *Connection) (waitedFor string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waitedFor = c.pairing
	r.stopWaitingLocked(c)
	r.unassignUserLocked(c)
	r.removePendingLocked(c)
	if c.socket != nil {
		delete(r.open, c.ID)
		r.byCookie.remove(c.Peer.Cookie, c)
	}
	r.reserved--
	at := c.network()
	if n := r.byNetwork[at]; n.reserved > 1 {
		n.reserved--
	} else {
		delete(r.byNetwork, at)
	}
	return waitedFor
}

// byID orders connections by age.
func byID(a, b *Connection) int { return cmp.Compare(a.ID, b.ID) }

func (r *Registry) stopWaitingLocked(c *Connection) {
	if c.pairing == "" {
		return
	}
	r.byPairing.remove(c.pairing, c)
	r.waiting--
	c.pairing = ""
}

// unassignUserLocked makes an authenticated connection unauthenticated.
func (r *Registry) unassignUserLocked(c *Connection) {
	if c.who == nil {
		return
	}
	r.byUser.remove(c.who.UserID, c)
	r.byDevice.remove(c.who.DeviceID, c)
	r.byKey.remove(c.who.KeyID, c)
	r.authenticated--
	c.who, c.program = nil, ""
}

// removePendingLocked makes a connection count as pending no longer.
func (r *Registry) removePendingLocked(c *Connection) {
	if !c.pending {
		return
	}
	c.pending = false
	r.pending--
	n := r.byNetwork[c.network()]
	if n.pending = without(n.pending, c); len(n.pending) == 0 {
		n.pending = nil // most networks have one connection, and keep it for long
	}
}
