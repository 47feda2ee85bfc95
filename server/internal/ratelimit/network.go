package ratelimit

import "net/netip"

// Network is what of an address is counted: an IPv4 address whole (also one mapped into
// IPv6), an IPv6 address by its /64, which is the least that one customer has (RFC 6177).
// The invalid address is a network of its own.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
