// Package forwarded reads what proxies say about a request: the X-Forwarded-* headers and
// Forwarded (RFC 7239). Anybody can send these headers, so callers must ask only about
// requests that come from a trusted proxy.
//
// Most proxies write X-Forwarded-* and pass a client's Forwarded on, and a few do it the
// other way round. So a request may have headers of both kinds, and one kind may be the
// client's. Then X-Forwarded-* counts, and where both kinds contradict each other, what
// is safe counts: https, the Host header, and no client address at all.
//
// Terms:
//
//   - claim: what a header says about the request that the browser made.
//   - hop: one of the addresses that the request has passed, the client's first.
package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The schemes of Claims.
const (
	HTTP  = "http"
	HTTPS = "https"
)

// names are the headers that make claims.
var names = []string{
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Ssl", "X-Forwarded-Scheme", "Front-End-Https",
}

// Present reports whether a request has headers that make claims.
func Present(h http.Header) bool {
	return slices.ContainsFunc(names, func(name string) bool { return h.Get(name) != "" })
}

// Claims are what a request's headers claim.
type Claims struct {
	// Scheme is the scheme that the browser used: HTTP, HTTPS, or "" if no header says it.
	Scheme string
	// Hosts are the hosts that were asked for, each with its port if that was given; the
	// browser's first. Proxies add to a list that may have begun with the client's own
	// header.
	Hosts []string
	// Port is the port that the browser used, or "".
	Port string

	chains [][]hop // at most one of each kind of header
}

// hop is one address of a chain.
type hop struct {
	addr      netip.Addr // invalid: a proxy hides it, or it cannot be read
	malformed bool
}

// Read reads the headers of a request.
func Read(h http.Header) Claims {
	c := readXForwarded(h)
	f, there := readForwarded(h.Values("Forwarded"))
	switch {
	case !there:
		return c
	case c.isEmpty():
		return f
	}
	if f.Scheme == HTTPS || c.Scheme == "" {
		c.Scheme = f.Scheme
	}
	if len(c.Hosts) > 0 && len(f.Hosts) > 0 && !strings.EqualFold(c.Hosts[0], f.Hosts[0]) {
		c.Hosts = nil
	}
	if len(c.chains) > 0 {
		c.chains = append(c.chains, f.chains...)
	}
	return c
}

func (c Claims) isEmpty() bool {
	return c.Scheme == "" && len(c.Hosts) == 0 && c.Port == "" && len(c.chains) == 0
}

// Client returns the client's address: the right-most hop that is no trusted proxy. peer
// is the socket's address, which is that of a trusted proxy.
//
// certain is false if the headers contradict each other, or if a hop cannot be read: then
// the address is that of the last proxy that can be relied on, although a client may have
// caused that. A hop that a proxy hides on purpose is certain.
func (c Claims) Client(peer netip.Addr, trusted func(netip.Addr) bool) (a netip.Addr, certain bool) {
	a, certain = peer, true
	for i, chain := range c.chains {
		found, ok := lastUntrusted(chain, peer, trusted)
		if i > 0 && found != a {
			return peer, false
		}
		a, certain = found, certain && ok
	}
	return a, certain
}

func lastUntrusted(chain []hop, peer netip.Addr, trusted func(netip.Addr) bool) (netip.Addr, bool) {
	for _, h := range slices.Backward(chain) {
		// Nobody vouches for the hops before one that is not known.
		if !h.addr.IsValid() {
			return peer, !h.malformed
		}
		peer = h.addr
		if !trusted(peer) {
			break
		}
	}
	return peer, true
}

// readXForwarded reads the headers of the X-Forwarded-* kind.
func readXForwarded(h http.Header) Claims {
	c := Claims{Hosts: items(h, "X-Forwarded-Host")}
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Scheme"} {
		if list := items(h, name); c.Scheme == "" && len(list) > 0 {
			c.Scheme = scheme(list[0])
		}
	}
	for _, name := range []string{"X-Forwarded-Ssl", "Front-End-Https"} {
		if c.Scheme == "" && strings.EqualFold(strings.TrimSpace(h.Get(name)), "on") {
			c.Scheme = HTTPS
		}
	}
	if list := items(h, "X-Forwarded-Port"); len(list) > 0 {
		c.Port = port(list[0])
	}
	var chain []hop
	for _, item := range items(h, "X-Forwarded-For") {
		a, ok := address(item)
		chain = append(chain, hop{a, !ok})
	}
	if chain != nil {
		c.chains = [][]hop{chain}
	}
	return c
}

// items returns the items of a header that is a list, in one line or in several. Empty
// items are left out.
func items(h http.Header, name string) (all []string) {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.TrimSpace(item); item != "" {
				all = append(all, item)
			}
		}
	}
	return all
}

// scheme returns HTTP or HTTPS for the name of a scheme in any case, and "" for any other
// text. Traefik and others name the WebSocket's scheme, wss or ws, on an upgrade.
func scheme(s string) string {
	switch strings.ToLower(s) {
	case "https", "wss":
		return HTTPS
	case "http", "ws":
		return HTTP
	}
	return ""
}

// port returns s if that is the number of a port, else "".
func port(s string) string {
	if n, err := strconv.ParseUint(s, 10, 16); err != nil || n == 0 {
		return ""
	}
	return s
}

// address reads an address, which may have brackets and a port. ok is false if s is
// neither an address nor a name that hides one (RFC 7239 §6.2, §6.3); in the latter case
// the address is invalid.
func address(s string) (a netip.Addr, ok bool) {
	s = strings.Trim(s, `"`)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if strings.HasPrefix(s, "_") || strings.EqualFold(s, "unknown") {
		return netip.Addr{}, true
	}
	node, after := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		node, after = s[:i], s[i+1:]
		if !isPort(after) {
			return netip.Addr{}, false
		}
	}
	if inside, found := strings.CutPrefix(node, "["); found {
		inside, found = strings.CutSuffix(inside, "]")
		a, err := netip.ParseAddr(inside)
		return a.Unmap().WithZone(""), found && err == nil && a.Is6()
	}
	if strings.EqualFold(node, "unknown") {
		return netip.Addr{}, true
	}
	a, err := netip.ParseAddr(node)
	return a, err == nil && a.Is4()
}

// isPort reports whether s is a port of a node: a number, or a name that hides one.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil || len(s) > 1 && s[0] == '_'
}
