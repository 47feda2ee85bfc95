package registry

import (
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Connection is one WebSocket, or one that is about to be opened. Its exported fields do
// not change.
type Connection struct {
	ID    int64 // larger than that of every earlier connection
	Peer  access.Peer
	Since time.Time // when Reserve found room

	active atomic.Int64 // milliseconds since 1970 of the last request; 0: none yet

	// The registry's mu guards the following fields.
	socket  *conn.Conn // nil until the WebSocket is open
	pending bool       // counts against Limits.PendingConnections
	who     *access.Identity
	program string // the name that the client gives itself
	pairing string // device id of the pairing that the client waits for; empty: none
}

// Seen notes that the client has sent a request.
func (c *Connection) Seen() { c.active.Store(int64(protocol.At(time.Now()))) }

// name is the id as lists show it.
func (c *Connection) name() string { return strconv.FormatInt(c.ID, 10) }

func (c *Connection) network() netip.Prefix { return ratelimit.Network(c.Peer.Address) }

// listed is the connection as lists show it. program is the name that the client gives
// itself.
func (c *Connection) listed(who *access.Identity, program string) protocol.ConnectedClient {
	return protocol.ConnectedClient{
		ID: c.name(), UserID: who.UserID, Role: who.Role, DeviceID: who.DeviceID, Via: who.Via,
		Address: c.Peer.Address.String(), UserAgent: c.Peer.UserAgent, Client: program,
		ConnectedAt: protocol.At(c.Since), ActiveAt: protocol.Time(c.active.Load()),
	}
}
