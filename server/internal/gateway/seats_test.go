package gateway

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
)

func addressOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// TestSeatsProperty takes and gives back seats at random: never more than there
// may be, never a count that differs from what there is, and nothing is left of
// those that are gone.
func TestSeatsProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{
			Connections: rapid.IntRange(1, 20).Draw(t, "all"), ConnectionsPerUser: rapid.IntRange(1, 4).Draw(t, "user"),
			ConnectionsPerAddress: rapid.IntRange(1, 8).Draw(t, "address"), PendingConnections: rapid.IntRange(1, 10).Draw(t, "pending"),
		}
		s := newSeats()
		var taken []*seat
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				peer := Peer{Address: addressOf(rapid.IntRange(1, 4).Draw(t, "address")), Proxy: rapid.Bool().Draw(t, "proxy")}
				place, _, full := s.take(peer, l)
				if (place == nil) != (full != nil) {
					t.Fatalf("%v and %v", place, full)
				}
				if place != nil {
					taken = append(taken, place)
					s.open(place, &conn.Conn{})
				}
			},
			"join": func(t *rapid.T) {
				if len(taken) == 0 {
					t.Skip()
				}
				place := rapid.SampledFrom(taken).Draw(t, "place")
				if place.user == "" && s.join(place, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "user"), l.ConnectionsPerUser) &&
					rapid.Bool().Draw(t, "refused after all") {
					s.part(place)
				}
			},
			"give back": func(t *rapid.T) {
				if len(taken) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(taken)-1).Draw(t, "place")
				s.giveBack(taken[i])
				taken = append(taken[:i], taken[i+1:]...)
			},
			"": func(t *rapid.T) { checkSeats(t, s, taken, l) },
		})
		for _, place := range taken {
			s.giveBack(place)
		}
		if s.all != 0 || s.pending != 0 || len(s.byUser) != 0 || len(s.byNetwork) != 0 {
			t.Errorf("left: %+v", s)
		}
	})
}

func checkSeats(t *rapid.T, s *seats, taken []*seat, l Limits) {
	users, networks, pending := map[string]int{}, map[netip.Prefix]int{}, 0
	for _, place := range taken {
		networks[place.network]++
		if place.user != "" {
			users[place.user]++
		}
		if place.pending {
			pending++
			if _, ok := s.byNetwork[place.network].pending[place]; !ok {
				t.Fatal("a pending seat that its network does not know")
			}
		}
	}
	for user, n := range users {
		if s.byUser[user] != n || n > l.ConnectionsPerUser {
			t.Fatalf("%s has %d, counted %d, may have %d", user, n, s.byUser[user], l.ConnectionsPerUser)
		}
	}
	for network, n := range networks {
		if s.byNetwork[network].all != n {
			t.Fatalf("%s has %d, counted %d", network, n, s.byNetwork[network].all)
		}
	}
	if s.all != len(taken) || s.all > l.Connections || s.pending != pending ||
		len(s.byUser) != len(users) || len(s.byNetwork) != len(networks) {
		t.Fatalf("%d seats, %d pending, %d users; counted %+v", len(taken), pending, len(users), s)
	}
}

// TestOneAddressDoesNotKeepTheOthersOut fills the room for pending connections
// from one address.
func TestOneAddressDoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	l := Limits{PendingConnections: 10}.withDefaults()
	s := newSeats()
	greedy, other := Peer{Address: addressOf(1)}, Peer{Address: addressOf(2)}
	conns := map[*conn.Conn]int{}
	for i := range l.PendingConnections {
		place, displaced, full := s.take(greedy, l)
		if displaced != nil || full != nil {
			t.Fatal(full)
		}
		c := &conn.Conn{}
		conns[c] = i
		s.open(place, c)
	}
	if _, displaced, full := s.take(greedy, l); full == nil || displaced != nil || full.Cause != metrics.RefusedPending {
		t.Fatalf("one more of the greedy: %v", full)
	}
	for i := range 4 {
		place, displaced, full := s.take(other, l)
		if full != nil || displaced == nil || conns[displaced] != i {
			t.Fatalf("the other's connection %d: %v; ends %d, want the oldest", i, full, conns[displaced])
		}
		s.open(place, &conn.Conn{})
	}
	if s.pending != l.PendingConnections {
		t.Errorf("%d are pending", s.pending)
	}
}

// TestManyAddressesDoNotKeepTheOthersOut fills the room for pending connections
// with one of each address: who comes from elsewhere gets in once the oldest of
// them has had time to authenticate.
func TestManyAddressesDoNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Limits{PendingConnections: 10}.withDefaults()
		s := newSeats()
		var conns []*conn.Conn
		for i := range l.PendingConnections {
			place, _, full := s.take(Peer{Address: addressOf(i)}, l)
			if full != nil {
				t.Fatal(full)
			}
			conns = append(conns, &conn.Conn{})
			s.open(place, conns[i])
		}
		other := Peer{Address: addressOf(200)}
		if _, displaced, full := s.take(other, l); full == nil || displaced != nil {
			t.Fatal("those that have just come give way")
		}
		time.Sleep(retryPending + time.Millisecond)
		if _, _, full := s.take(Peer{Address: addressOf(3)}, l); full == nil {
			t.Error("an address that has one gets another")
		}
		if _, displaced, full := s.take(other, l); full != nil || displaced != conns[0] {
			t.Errorf("refused with %v; want it in the oldest one's place", full)
		}
		if s.pending != l.PendingConnections {
			t.Errorf("%d are pending", s.pending)
		}
	})
}
