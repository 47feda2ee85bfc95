package ratelimit

import "net/netip"

// Network is the network by which an address is counted: the whole of an IPv4 address
// (also of one mapped into IPv6), and the /64 of an IPv6 address, which is the least that
// one customer has (RFC 6177).
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

// Site is the wider network that one party may well have in full: the /24 of an IPv4
// network, and the /48 of an IPv6 network (RFC 6177). Counting by site keeps one party
// from being as many as it has networks.
func Site(network netip.Prefix) netip.Prefix {
	bits := 24
	if network.Addr().Is6() {
		bits = 48
	}
	if !network.IsValid() || network.Bits() < bits {
		return network
	}
	return netip.PrefixFrom(network.Addr(), bits).Masked()
}
