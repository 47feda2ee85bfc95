package registry

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// CloseID closes the authenticated connection with an id of List. Like the other methods
// that close connections, it does not wait for the clients. A message that is being
// handled may be handled to its end; later ones are dropped.
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

// CloseRenewed closes the connections of a device whose cookie has its old credential. The
// clients may connect again, with the cookie that they have now.
func (r *Registry) CloseRenewed(deviceID string, isOld func(cookie string) bool) {
	for _, s := range r.sockets(func() (with []*Connection) {
		for _, c := range slices.Concat(r.byDevice[deviceID], r.byPairing[deviceID]) {
			if c.Peer.Cookie != "" && isOld(c.Peer.Cookie) {
				with = append(with, c)
			}
		}
		return with
	}) {
		s.Close(protocol.CloseTooSlow, protocol.ReasonRenewed)
	}
}

// CloseExpired closes the connections of API keys that have expired.
func (r *Registry) CloseExpired(now protocol.Time, reason string) {
	closeAll(r.sockets(func() []*Connection {
		var expired []*Connection
		for _, connections := range r.byKey {
			if connections[0].who.Expired(now) {
				expired = append(expired, connections...)
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

// sockets gives the sockets of the connections that findLocked finds. It calls findLocked
// with mu held.
func (r *Registry) sockets(findLocked func() []*Connection) []*conn.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sockets []*conn.Conn
	for _, c := range findLocked() {
		sockets = append(sockets, c.socket)
	}
	return sockets
}

func closeAll(sockets []*conn.Conn, reason string) {
	for _, s := range sockets {
		s.Close(protocol.ClosePolicy, reason)
	}
}
