package dnstest

import (
	"errors"
	"net"
	"slices"
	"testing"
)

func TestResolver(t *testing.T) {
	t.Parallel()
	two := []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv4(127, 0, 0, 99).To4()}
	for name, row := range map[string]struct {
		known map[string][]net.IP
		want  []net.IP
	}{
		"two.test.":   {map[string][]net.IP{"two.test.": two}, two},
		"other.test.": {map[string][]net.IP{"two.test.": two}, nil},
		"any.test.":   {nil, two[:1]},
	} {
		got, err := Resolver(t, row.known).LookupIP(t.Context(), "ip", name)
		var unknown *net.DNSError
		if row.want == nil && (!errors.As(err, &unknown) || !unknown.IsNotFound) {
			t.Errorf("%s: %v, %v; want that there is no such host", name, got, err)
		}
		if !slices.EqualFunc(got, row.want, net.IP.Equal) {
			t.Errorf("%s: %v, want %v (%v)", name, got, row.want, err)
		}
	}
}

func TestAnswerRefusesWhatIsNoQuery(t *testing.T) {
	t.Parallel()
	query := append(make([]byte, headerSize), "\x01a\x04test\x00\x00\x01\x00\x01"...)
	if _, err := answer(query, nil); err != nil {
		t.Fatal(err)
	}
	for n := range query {
		if _, err := answer(query[:n], nil); err == nil {
			t.Errorf("the first %d bytes of a query are answered", n)
		}
	}
	if _, err := answer(append(make([]byte, headerSize), 0xc0, 0, 0, 0, 0, 0), nil); err == nil {
		t.Error("a name with a pointer is answered")
	}
}
