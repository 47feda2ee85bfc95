package registry

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
)

func addressOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// TestRegistryProperty reserves, authenticates and removes connections at random: there
// are never more than there may be, every count and index agrees with what there is, and
// nothing is left of those that are gone.
func TestRegistryProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{
			Connections:           rapid.IntRange(1, 20).Draw(t, "all"),
			ConnectionsPerUser:    rapid.IntRange(1, 4).Draw(t, "user"),
			ConnectionsPerAddress: rapid.IntRange(1, 8).Draw(t, "address"),
			PendingConnections:    rapid.IntRange(1, 10).Draw(t, "pending"),
		}
		r := New()
		var taken []*Connection
		some := func(t *rapid.T) *Connection {
			if len(taken) == 0 {
				t.Skip()
			}
			return rapid.SampledFrom(taken).Draw(t, "connection")
		}
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				peer := access.Peer{
					Address: addressOf(rapid.IntRange(1, 4).Draw(t, "address")),
					Proxy:   rapid.Bool().Draw(t, "proxy"),
					Cookie:  rapid.SampledFrom([]string{"", "cookie 1", "cookie 2"}).Draw(t, "cookie"),
				}
				c, _, full := r.reserve(peer, l)
				if (c == nil) != (full != nil) {
					t.Fatalf("%v and %v", c, full)
				}
				if c != nil {
					taken = append(taken, c)
				}
			},
			"open": func(t *rapid.T) {
				if c := some(t); c.socket == nil {
					r.Open(c, &conn.Conn{})
				}
			},
			"authenticate": func(t *rapid.T) {
				c := some(t)
				if c.socket == nil || c.who != nil {
					t.Skip()
				}
				if r.Authenticate(c, anybody(t), "program", l.ConnectionsPerUser) &&
					rapid.Bool().Draw(t, "refused after all") {
					r.Deauthenticate(c)
				}
			},
			"wait": func(t *rapid.T) {
				if c := some(t); c.socket != nil && c.who == nil {
					r.Wait(c, rapid.SampledFrom([]string{"device 1", "device 2"}).Draw(t, "device"))
				}
			},
			"stop waiting": func(t *rapid.T) { r.StopWaiting(some(t)) },
			"remove": func(t *rapid.T) {
				c := some(t)
				r.Remove(c)
				taken = slices.DeleteFunc(taken, func(o *Connection) bool { return o == c })
			},
			"": func(t *rapid.T) { check(t, r, taken, l) },
		})
		for _, c := range taken {
			r.Remove(c)
		}
		if r.lastID = 0; !reflect.DeepEqual(r, New()) {
			t.Errorf("left: %+v", r)
		}
	})
}

// anybody is one of few identities.
func anybody(t *rapid.T) *access.Identity {
	user := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "user")
	return rapid.SampledFrom([]*access.Identity{
		{UserID: user, Via: audit.ViaToken},
		{UserID: user, Via: "device:" + user, DeviceID: "device of " + user},
		{UserID: user, Via: "key:" + user, KeyID: "key of " + user, ExpiresAt: 1000},
	}).Draw(t, "identity")
}

func check(t *rapid.T, r *Registry, taken []*Connection, l Limits) {
	networks, pending, waiting, authenticated := map[netip.Prefix]int{}, 0, 0, 0
	users, devices, keys, cookies, pairings := index{}, index{}, index{}, index{}, index{}
	open := map[int64]*Connection{}
	for _, c := range taken {
		networks[c.network()]++
		if c.pending {
			pending++
			if !slices.Contains(r.byNetwork[c.network()].pending, c) {
				t.Fatal("a pending connection that its network does not know")
			}
		}
		if c.socket != nil {
			open[c.ID] = c
			cookies.add(c.Peer.Cookie, c)
		}
		if c.who != nil {
			authenticated++
			users.add(c.who.UserID, c)
			devices.add(c.who.DeviceID, c)
			keys.add(c.who.KeyID, c)
		}
		if c.pairing != "" {
			waiting++
			pairings.add(c.pairing, c)
		}
	}
	for user, of := range users {
		if len(of) > l.ConnectionsPerUser {
			t.Fatalf("%s has %d, may have %d", user, len(of), l.ConnectionsPerUser)
		}
	}
	for network, n := range networks {
		of := r.byNetwork[network]
		if of.reserved != n {
			t.Fatalf("%s has %d, counted %d", network, n, of.reserved)
		}
		if !slices.IsSortedFunc(of.pending, byID) {
			t.Fatalf("the pending connections of %s are out of order", network)
		}
	}
	for name, pair := range map[string][2]index{
		"user": {users, r.byUser}, "device": {devices, r.byDevice}, "key": {keys, r.byKey},
		"cookie": {cookies, r.byCookie}, "pairing": {pairings, r.byPairing},
	} {
		if !sameConnections(pair[0], pair[1]) {
			t.Fatalf("by %s there are %v, found %v", name, pair[0], pair[1])
		}
	}
	if r.reserved != len(taken) || r.reserved > l.Connections || r.pending != pending ||
		r.authenticated != authenticated ||
		r.waiting != waiting || !maps.Equal(open, r.open) || len(r.byNetwork) != len(networks) {
		t.Fatalf("%d connections, %d pending, %d open, %d authenticated, %d wait; counted %+v",
			len(taken), pending, len(open), authenticated, waiting, r)
	}
}

// sameConnections reports whether two indexes hold the same connections under the same
// keys, in any order.
func sameConnections(a, b index) bool {
	return maps.EqualFunc(a, b, func(x, y []*Connection) bool {
		x, y = slices.Clone(x), slices.Clone(y)
		slices.SortFunc(x, byID)
		slices.SortFunc(y, byID)
		return slices.Equal(x, y)
	})
}

// TestOneAddressDoesNotKeepTheOthersOut fills the room for pending connections
// from one address.
func TestOneAddressDoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	l := Limits{Connections: 1000, ConnectionsPerUser: 50, ConnectionsPerAddress: 250,
		PendingConnections: 10}
	r := New()
	greedy, other := access.Peer{Address: addressOf(1)}, access.Peer{Address: addressOf(2)}
	conns := map[*conn.Conn]int{}
	for i := range l.PendingConnections {
		c, displaced, full := r.reserve(greedy, l)
		if displaced != nil || full != nil {
			t.Fatal(full)
		}
		socket := &conn.Conn{}
		conns[socket] = i
		r.Open(c, socket)
	}
	if _, displaced, full := r.reserve(greedy, l); full == nil || displaced != nil ||
		full.Cause != metrics.RefusedPending {
		t.Fatalf("one more of the greedy: %v", full)
	}
	for i := range 4 {
		c, displaced, full := r.reserve(other, l)
		if full != nil || displaced == nil || conns[displaced] != i {
			t.Fatalf("the other's connection %d: %v; ends %d, want the oldest", i, full, conns[displaced])
		}
		r.Open(c, &conn.Conn{})
	}
	if r.pending != l.PendingConnections {
		t.Errorf("%d are pending", r.pending)
	}
}

// TestManyAddressesDoNotKeepTheOthersOut fills the room for pending connections
// with one of each address: who comes from elsewhere gets in once the oldest of
// them has had time to authenticate.
func TestManyAddressesDoNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Limits{Connections: 1000, ConnectionsPerUser: 50, ConnectionsPerAddress: 250,
			PendingConnections: 10}
		r := New()
		var conns []*conn.Conn
		for i := range l.PendingConnections {
			c, _, full := r.reserve(access.Peer{Address: addressOf(i)}, l)
			if full != nil {
				t.Fatal(full)
			}
			conns = append(conns, &conn.Conn{})
			r.Open(c, conns[i])
		}
		other := access.Peer{Address: addressOf(200)}
		if _, displaced, full := r.reserve(other, l); full == nil || displaced != nil {
			t.Fatal("those that have just come give way")
		}
		time.Sleep(RetryPending + time.Millisecond)
		if _, _, full := r.reserve(access.Peer{Address: addressOf(3)}, l); full == nil {
			t.Error("an address that has one gets another")
		}
		if _, displaced, full := r.reserve(other, l); full != nil || displaced != conns[0] {
			t.Errorf("refused with %v; want it in the oldest one's place", full)
		}
		if r.pending != l.PendingConnections {
			t.Errorf("%d are pending", r.pending)
		}
	})
}
