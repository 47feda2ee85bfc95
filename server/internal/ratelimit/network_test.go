package ratelimit

import (
	"net/netip"
	"testing"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.1":         "192.0.2.1/32",
		"::ffff:192.0.2.1":  "192.0.2.1/32",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0":      "fe80::/64",
		"::1":               "::/64",
	} {
		if got := Network(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s is counted as %s, want %s", text, got, want)
		}
	}
	if got := Network(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("no address is counted as %s", got)
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.1": "192.0.2.0/24",
		"2001:db8:7:8::1": "2001:db8:7::/48",
	} {
		if got := Site(Network(netip.MustParseAddr(address))); got.String() != want {
			t.Errorf("%s is of the site %s, want %s", address, got, want)
		}
	}
	if got := Site(Network(netip.Addr{})); got.IsValid() {
		t.Errorf("an unknown address is of the site %s", got)
	}
	if wide := netip.MustParsePrefix("10.0.0.0/8"); Site(wide) != wide {
		t.Error("a wide network is narrowed")
	}
}
