package registry

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// CloseID closes the authenticated connection with an id of List. Like the other methods
// that close connections, it returns when nothing that the connections send is handled
// any more, and does not wait for the clients.
func (r *Registry) CloseID(id, reason string) {
	closeAll(r.sockets(func() []*Connection {
		if c := r.findLocked(id); c != nil {
			return []*Connection{c}
		}
		return nil
	}), reason)
}

// CloseDevice closes the connections of a device, and those that wait for its pairing.
func (r *Registry) CloseDevice(id, reason string) {
	closeAll(r.sockets(func() []*Connection {
		return slices.Concat(r.byDevice[id], r.byPairing[id])
	}), reason)
}

// CloseKey closes the connections of an API key.
func (r *Registry) CloseKey(id, reason string) {
	closeAll(r.sockets(func() []*Connection { return r.byKey[id] }), reason)
}

// CloseBrowser closes the connections of a browser, which has a cookie, whether they are
// authenticated or not.
func (r *Registry) CloseBrowser(cookie, reason string) {
	closeAll(r.sockets(func() []*Connection { return r.byCookie[cookie] }), reason)
}

// CloseExpired closes the connections of API keys that have expired.
func (r *Registry) CloseExpired(now protocol.Time, reason string) {
	closeAll(r.sockets(func() []*Connection {
		var expired []*Connection
		for _, of := range r.byKey {
			if of[0].who.Expired(now) {
				expired = append(expired, of...)
			}
		}
		return expired
	}), reason)
}

// SendWaiting sends a frame to the connections that wait for the pairing of a device.
func (r *Registry) SendWaiting(deviceID string, frame []byte) {
	for _, s := range r.sockets(func() []*Connection { return r.byPairing[deviceID] }) {
		s.SendBytes(frame)
	}
}

// sockets gives the sockets of the connections that find, which is called with mu held,
// gives.
func (r *Registry) sockets(find func() []*Connection) []*conn.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sockets []*conn.Conn
	for _, c := range find() {
		sockets = append(sockets, c.socket)
	}
	return sockets
}

func closeAll(sockets []*conn.Conn, reason string) {
	for _, s := range sockets {
		s.Close(protocol.ClosePolicy, reason)
	}
}
