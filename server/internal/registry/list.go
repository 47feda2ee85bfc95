package registry

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// entry is an authenticated connection at one moment.
type entry struct {
	*Connection
	who     *access.Identity
	program string
}

// List gives the authenticated connections, the latest first.
func (r *Registry) List() []protocol.ConnectedClient {
	entries := r.entries()
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(b.ID, a.ID) })
	list := make([]protocol.ConnectedClient, len(entries))
	for i, e := range entries {
		list[i] = e.listed(e.who, e.program)
	}
	return list
}

func (r *Registry) entries() []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := make([]entry, 0, r.authenticated)
	for _, connections := range r.byUser {
		for _, c := range connections {
			entries = append(entries, entry{c, c.who, c.program})
		}
	}
	return entries
}

// Find gives the authenticated connection with an id of List; false if there is none.
func (r *Registry) Find(id string) (protocol.ConnectedClient, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.findLocked(id)
	if c == nil {
		return protocol.ConnectedClient{}, false
	}
	return c.listed(c.who, c.program), true
}

func (r *Registry) findLocked(id string) *Connection {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	c := r.open[n]
	if c == nil || c.who == nil || c.name() != id {
		return nil
	}
	return c
}

// Counts gives how many connections are open and not authenticated, leaving out those
// that wait for pairing; how many wait for pairing; and how many are authenticated.
func (r *Registry) Counts() (pending, pairing, authenticated int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.strangersLocked()-r.waiting), r.waiting, r.authenticated
}

// Strangers is how many connections are open and not authenticated.
func (r *Registry) Strangers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.strangersLocked()
}

func (r *Registry) strangersLocked() int { return len(r.open) - r.authenticated }

// Pairings gives the device ids of the pairings that connections wait for.
func (r *Registry) Pairings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.byPairing))
	for id := range r.byPairing {
		ids = append(ids, id)
	}
	return ids
}

// IsWaiting reports whether a connection waits for the pairing of the device.
func (r *Registry) IsWaiting(deviceID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byPairing[deviceID]) > 0
}

// KeysInUse gives the ids of the API keys that live connections hold and that have not
// expired.
func (r *Registry) KeysInUse(now protocol.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.byKey))
	for id, connections := range r.byKey {
		if !connections[0].who.Expired(now) { // a key's expiry never changes
			ids = append(ids, id)
		}
	}
	return ids
}
