package pairing_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testDesk is a service with few places, and the devices that wait on connections.
type testDesk struct {
	*testService
	waiting map[string]bool
}

// withDesk runs a test in a bubble with a service that has that many places.
func withDesk(t *testing.T, places int, test func(t *testing.T, d *testDesk)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &testDesk{newTestService(t, dir), map[string]bool{}}
		d.Service = pairing.New(d.store.Pairings(), pairing.Options{
			Notifier: d.testService, Settings: setting.Fixed(pairing.Settings{MaxPending: places}),
			Waiting: func() (ids []string) {
				for id := range d.waiting {
					ids = append(ids, id)
				}
				return ids
			},
		})
		test(t, d)
	})
}

// ask files a request from the address; stays says that its requester stays connected. ok is
// false if the request was refused.
func (d *testDesk) ask(address string, stays bool) (p protocol.PendingDevice, ok bool) {
	d.t.Helper()
	p, err := d.Request(context.Background(), from(address))
	if stays && err == nil {
		d.waiting[p.DeviceID] = true
	}
	return p, err == nil
}

// flood files three requests from each of n addresses of many networks; stay says whether
// they stay connected. It gives those that were accepted.
func (d *testDesk) flood(n int, stay bool) (accepted []protocol.PendingDevice) {
	for i := range n {
		for range 3 {
			address := netip.AddrFrom4([4]byte{10, byte(i / 200), byte(i / 4), byte(i)}).String()
			if p, ok := d.ask(address, stay); ok {
				accepted = append(accepted, p)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return accepted
}

func (d *testDesk) listed() (codes []string) {
	d.t.Helper()
	list, err := d.List(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, p := range list.Pending {
		codes = append(codes, p.Code)
	}
	return codes
}

// mayApprove checks that the request is still open, and approves it.
func (d *testDesk) mayApprove(what string, p protocol.PendingDevice) {
	d.t.Helper()
	_, err := d.Approve(context.Background(), "admin", protocol.DeviceApproveParams{Code: p.Code})
	want(d.t, what, err, "ok")
}

// TestFloodOfRequests fills the desk from 340 addresses within seconds: the one who waited
// before keeps the place at the top of the list, and one who comes later gets in, whether
// the others stay connected or not.
func TestFloodOfRequests(t *testing.T) {
	for _, stay := range []bool{false, true} {
		t.Run(fmt.Sprintf("they stay: %v", stay), func(t *testing.T) {
			withDesk(t, 1000, func(t *testing.T, d *testDesk) {
				first, _ := d.ask("192.0.2.7", true)
				time.Sleep(time.Second)
				if n := len(d.flood(340, stay)); n < 999 {
					t.Fatalf("%d requests were accepted", n)
				}
				time.Sleep(5 * time.Second)
				late, ok := d.ask("198.51.100.9", true)
				if !ok {
					t.Fatal("nobody else gets in")
				}
				codes := d.listed()
				if codes[0] != first.Code || !stay && codes[1] != late.Code {
					t.Errorf("first in the list: %v, want %s and %s", codes[:2], first.Code, late.Code)
				}
				time.Sleep(2 * time.Minute)
				d.flood(340, stay) // once more
				d.mayApprove("the one who waited", first)
				d.mayApprove("the one who came later", late)
			})
		})
	}
}

// TestFewAddressesCannotFillTheDesk has twelve addresses ask whenever they may, for an hour.
func TestFewAddressesCannotFillTheDesk(t *testing.T) {
	withDesk(t, 100, func(t *testing.T, d *testDesk) {
		for range 29 { // each two minutes, so that their requests add up
			d.flood(12, false)
			time.Sleep(2 * time.Minute)
			p, ok := d.ask("192.0.2.7", true)
			if !ok {
				t.Fatal("somebody else does not get in")
			}
			d.mayApprove("somebody else", p)
		}
	})
}

// TestWhoMakesWay checks which request makes way for another when all are attended.
func TestWhoMakesWay(t *testing.T) {
	for what, c := range map[string]struct {
		waiting []string      // addresses, in the order in which they came
		wait    time.Duration // before the last one comes
		from    string
		gone    int // the index of the one that made way; -1: the last one is refused
	}{
		"the busiest network's newest": {[]string{"10.0.0.1", "10.1.0.1", "10.1.0.1", "10.2.0.1"},
			0, "10.3.0.1", 2},
		"the busiest site's newest": {[]string{"2001:db8:1::1", "2001:db8:2:1::1", "2001:db8:2:2::1",
			"10.0.0.1"}, 0, "10.3.0.1", 2},
		"none for a network that has as many": {[]string{"10.0.0.1", "10.1.0.1", "10.1.0.1",
			"10.2.0.1"}, time.Hour - time.Second, "10.0.0.1", -1},
		"none for a newcomer, at first": {[]string{"10.0.0.1", "10.1.0.1", "10.2.0.1", "10.3.0.1"},
			10*time.Minute - time.Second, "10.4.0.1", -1},
		"the oldest, after ten minutes": {[]string{"10.0.0.1", "10.1.0.1", "10.2.0.1", "10.3.0.1"},
			10 * time.Minute, "10.4.0.1", 0},
	} {
		t.Run(what, func(t *testing.T) {
			withDesk(t, len(c.waiting), func(t *testing.T, d *testDesk) {
				var before []protocol.PendingDevice
				for _, address := range c.waiting {
					p, _ := d.ask(address, true)
					before = append(before, p)
					time.Sleep(time.Millisecond)
				}
				time.Sleep(c.wait)
				if _, ok := d.ask(c.from, true); ok != (c.gone >= 0) {
					t.Fatalf("accepted: %v", ok)
				}
				codes := d.listed()
				for i, p := range before {
					if slices.Contains(codes, p.Code) != (i != c.gone) {
						t.Errorf("request %d of %s is listed: %v", i, p.Address, i == c.gone)
					}
				}
			})
		})
	}
}

// TestLeftRequests checks how requests are listed whose requester is gone, and denies them.
func TestLeftRequests(t *testing.T) {
	withDesk(t, 100, func(t *testing.T, d *testDesk) {
		gone, _ := d.ask("10.0.0.1", true)
		time.Sleep(time.Minute)
		stays, _ := d.ask("10.0.0.2", true)
		delete(d.waiting, gone.DeviceID)
		list, err := d.List(t.Context())
		if err != nil || list.Pending[0].Code != stays.Code || list.Pending[0].Left ||
			!list.Pending[1].Left {
			t.Fatalf("%+v, %v", list.Pending, err)
		}
		ids, more, err := d.Left(t.Context())
		if err != nil || more || !slices.Equal(ids, []string{gone.DeviceID}) {
			t.Errorf("left: %v, %v, %v", ids, more, err)
		}
		n, err := d.DenyMany(t.Context(), "admin", append(ids, "dev-none"))
		if want(t, "deny", err, "ok"); n != 1 {
			t.Errorf("%d were denied", n)
		}
		if codes := d.listed(); !slices.Equal(codes, []string{stays.Code}) {
			t.Errorf("left over: %v", codes)
		}
	})
}

// TestDenyNetwork denies all requests of a network, named in several ways.
func TestDenyNetwork(t *testing.T) {
	for network, denied := range map[string]int{
		"10.0.0.1": 2, "10.0.0.1/32": 2, "10.0.0.0/24": 3, "::ffff:10.0.0.1": 2, "10.0.0.0/8": 4,
		"::ffff:10.0.0.0/104": 4, " 10.0.0.1\t": 2,
		"2001:db8::77": 1, "2001:db8::/48": 2, "2001:db8::/32": 2, "192.0.2.1": 0,
	} {
		t.Run(network, func(t *testing.T) {
			withDesk(t, 100, func(t *testing.T, d *testDesk) {
				for _, address := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.9.0.1",
					"2001:db8::1", "2001:db8:0:7::1"} {
					d.ask(address, true)
				}
				of, err := pairing.ParseNetwork(network)
				if err != nil {
					t.Fatal(err)
				}
				ids, _, err := d.OfNetwork(t.Context(), of)
				want(t, "find", err, "ok")
				if n, err := d.DenyMany(t.Context(), "admin", ids); n != denied || err != nil {
					t.Errorf("%d were denied, want %d (%v)", n, denied, err)
				}
				if n := len(d.listed()); n != 6-denied {
					t.Errorf("%d are left", n)
				}
			})
		})
	}
	for _, none := range []string{"", "x", "10.0.0", "10.0.0.1/33", "0.0.0.0/0", "::/0"} {
		_, err := pairing.ParseNetwork(none)
		want(t, none, err, "INVALID_REQUEST")
	}
}

// TestRefuseNetwork checks that no address of a network that was denied as a whole asks
// again within a minute, and that all others do.
func TestRefuseNetwork(t *testing.T) {
	withDesk(t, 100, func(t *testing.T, d *testDesk) {
		for _, network := range []string{"10.0.0.0/8", "2001:db8::/48"} {
			of, err := pairing.ParseNetwork(network)
			want(t, network, err, "ok")
			d.RefuseNetwork(of)
		}
		time.Sleep(30 * time.Second)
		_, err := d.Request(t.Context(), from("10.3.0.1"))
		if want(t, "an address of the network", err, "RESOURCE_EXHAUSTED"); retryAfter(err) != 30_000 {
			t.Errorf("the retry delay is %d ms", retryAfter(err))
		}
		_, err = d.Request(t.Context(), from("2001:db8:0:99::1"))
		want(t, "an IPv6 address of the network", err, "RESOURCE_EXHAUSTED")
		for _, other := range []string{"11.0.0.1", "2001:db8:1::1"} {
			_, err = d.Request(t.Context(), from(other))
			want(t, other, err, "ok")
		}
		time.Sleep(30 * time.Second)
		_, err = d.Request(t.Context(), from("10.3.0.1"))
		want(t, "a minute later", err, "ok")
	})
}

// TestDenyVeryMany denies more requests than one call may.
func TestDenyVeryMany(t *testing.T) {
	withDesk(t, 1000, func(t *testing.T, d *testDesk) {
		var records []pairing.Record
		for i := range 450 {
			records = append(records, numberedRecord(i, protocol.PairingPending))
		}
		d.fill(records...)
		for _, expected := range []int{200, 200, 50, 0} {
			ids, more, err := d.Left(t.Context())
			if err != nil || len(ids) != expected || more != (expected == 200) {
				t.Fatalf("%d, %v, %v; want %d", len(ids), more, err, expected)
			}
			if _, err := d.DenyMany(t.Context(), "admin", ids); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestFullDeskIsTriedAgainSoon checks that whoever finds all places taken is not told to
// wait until the requests expire: places are freed as soon as requesters leave.
func TestFullDeskIsTriedAgainSoon(t *testing.T) {
	withDesk(t, 3, func(t *testing.T, d *testDesk) {
		for i := range 3 {
			d.ask(fmt.Sprintf("10.%d.0.1", i), true)
		}
		_, err := d.Request(t.Context(), from("192.0.2.1"))
		var refusal *protocol.Error
		if !errors.As(err, &refusal) || !refusal.Retryable || refusal.RetryAfterMs != time.Minute.Milliseconds() {
			t.Errorf("refused with %+v", err)
		}
		clear(d.waiting)
		time.Sleep(time.Minute)
		if _, ok := d.ask("192.0.2.1", true); !ok {
			t.Error("refused again after all have left")
		}
	})
}
