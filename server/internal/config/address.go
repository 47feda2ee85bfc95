package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// listenAddress is what net.Listen takes for TCP: host:port or :port.
func listenAddress() kind[string] {
	const accepts = `"host:port" or ":port" with a port from 0 to 65535, ` +
		`such as "127.0.0.1:8080" or ":8080"`
	return textWhere(accepts, func(s string) bool {
		host, port, err := net.SplitHostPort(s)
		if err != nil || !isPort(port) {
			return false
		}
		if strings.Contains(host, ":") {
			_, err := netip.ParseAddr(host)
			return err == nil
		}
		return host == "" || isHostname(strings.ToLower(host))
	})
}

// loopbackAddress is a listenAddress that only programs on the same machine can
// reach.
func loopbackAddress() kind[string] {
	const accepts = `"host:port" with a loopback address and a port from 0 to 65535, ` +
		`such as "127.0.0.1:9090"`
	return textWhere(accepts, func(s string) bool {
		host, port, err := net.SplitHostPort(s)
		if err != nil || !isPort(port) {
			return false
		}
		a, err := netip.ParseAddr(host)
		return err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost")
	})
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

var hostname = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// isHostname reports whether s may be a host: a lower-case name or an IPv4 address.
func isHostname(s string) bool {
	return len(s) <= 253 && hostname.MatchString(s) && !strings.Contains(s, "..")
}

// asciiHost is a host name as browsers send it: in lower case, and an internationalized
// name such as bücher.example in its ASCII form, xn--bcher-kva.example (UTS #46). A name
// that has no such form stays as it is, and isHostname refuses it.
func asciiHost(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return r > 0x7e }) >= 0 {
		if ascii, err := idna.Lookup.ToASCII(name); err == nil {
			return ascii
		}
	}
	return strings.ToLower(name)
}

// hostName is a host name, or an address, as browsers send it: in lower case, and without
// the dot that may end it.
func hostName() kind[string] {
	return textKind(`a host name alone, such as "chat.example.com"`, parseHostName,
		func(s string) string { return s })
}

func parseHostName(s string) (value, advice string, ok bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && a.Zone() == "" {
		return a.Unmap().String(), "", true
	}
	name := asciiHost(strings.TrimSuffix(s, "."))
	if isHostname(name) {
		return name, "", true
	}
	if strings.Contains(s, "*") {
		return "", "there are no patterns: list every name", false
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	if u, ok := parseURL(s); ok {
		return "", "write " + quote(u.Hostname()), false
	}
	return "", "", false
}

// proxy is the address of a proxy, or a range of such addresses.
func proxy() kind[netip.Prefix] {
	return textKind(`an IP address or range such as "10.0.0.1", "10.0.0.0/8" or "fd00::/8"`,
		parseProxy,
		func(p netip.Prefix) string {
			if p.IsSingleIP() {
				return p.Addr().String()
			}
			return p.String()
		})
}

func parseProxy(s string) (netip.Prefix, string, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return netip.Prefix{}, "leave out the zone: write " +
				quote(a.WithZone("").String()), false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), "", true
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, "", false
	case p.Addr().Is4In6():
		return netip.Prefix{}, "write the range as IPv4", false
	case p != p.Masked():
		return netip.Prefix{}, "bits after the prefix are set: write " +
			quote(p.Masked().String()), false
	}
	return p, "", true
}

// origin is what a browser sends as Origin, or "*" for all.
func origin() kind[string] {
	accepts := `an origin (scheme, host and port alone) such as "https://app.example.com" ` +
		`or "http://localhost:3000", or "*" for all`
	return urlKind(accepts, parseOrigin)
}

// parseOrigin returns the origin as browsers send it: scheme and host in lower
// case, without the default port (RFC 6454, section 6.2).
func parseOrigin(s string) (value, advice string, ok bool) {
	if s == "*" {
		return s, "", true
	}
	u, ok := parseURL(s)
	bare := ok && u.String() == u.Scheme+"://"+u.Host && !strings.HasSuffix(s, "#")
	if bare && u.Scheme != "ws" && u.Scheme != "wss" {
		return u.String(), "", true
	}
	if !ok && !strings.Contains(s, "://") {
		u, ok = parseURL("https://" + s)
	}
	switch {
	case s == "null":
		return "", "a page from a file has no origin: serve the page over HTTP", false
	case strings.Contains(s, "*"):
		return "", "there are no patterns: list every origin", false
	case !ok:
		return "", "", false
	}
	scheme := u.Scheme
	switch scheme {
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	}
	return "", "write " + quote(scheme+"://"+u.Host), false
}

// publicURL is the URL at which people reach the gateway. Its path, if it has one, is the
// base: the path of the host under which a proxy serves the gateway.
func publicURL() kind[string] {
	accepts := `an http or https URL such as "https://chat.example.com", or with a path ` +
		`such as "https://example.com/chat"`
	return urlKind(accepts, func(s string) (string, string, bool) {
		v, advice, ok := parseHTTP(s)
		u, err := url.Parse(v)
		if !ok || err != nil || u.Path == "" {
			return v, advice, ok
		}
		first, _, _ := strings.Cut(u.Path[1:], "/")
		switch {
		case !isBase(u.EscapedPath()):
			return "", "its path may have letters, digits and - . _ ~ between single slashes", false
		case slices.Contains(ReservedPaths(), first):
			return "", quote("/"+first) + " is a path of Gatehouse itself: choose another one, " +
				`such as "/chat"`, false
		}
		return v, "", true
	})
}

// isBase reports whether the path needs no escaping in URLs, cookies and configurations of
// proxies.
func isBase(path string) bool {
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
				strings.ContainsRune("-._~", r))
		}) {
			return false
		}
	}
	return true
}

// ReservedPaths are the first segments of the gateway's own paths. A base does not begin
// with one of them: the gateway could not tell whether a proxy has removed the base.
func ReservedPaths() []string {
	return []string{".well-known", "admin", "api", "dev", "docs", "health", "login", "metrics", "pair",
		"readyz", "s", "static", "v1", "ws"}
}

// baseURL is an http or https URL, of a provider's API or a webhook.
func baseURL() kind[string] {
	accepts := `an http or https URL, such as "http://127.0.0.1:11434/v1"`
	return urlKind(accepts, parseHTTP)
}

func parseHTTP(s string) (value, advice string, ok bool) {
	u, ok := parseURL(s)
	switch {
	case !strings.Contains(s, "://"):
		return "", "it must begin with https:// or http://", false
	case !ok || u.Scheme != "http" && u.Scheme != "https":
		return "", "", false
	case u.User != nil:
		return "", "it may hold no user name or password", false
	case strings.ContainsAny(s, "?#"):
		return "", "it may hold no ? or #", false
	}
	return strings.TrimRight(u.String(), "/"), "", true
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}

// parseURL parses scheme://host…. It returns scheme, host and port in their
// normal form, so that equal ones are the same text.
func parseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Opaque != "" || !strings.Contains(s, "://") {
		return nil, false
	}
	host, port := asciiHost(u.Hostname()), u.Port()
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() && a.Zone() == "" {
		host = "[" + a.String() + "]"
	} else if !isHostname(host) {
		return nil, false
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, false
		}
		port = strconv.FormatUint(n, 10)
	}
	if port == "" || port == defaultPorts[u.Scheme] {
		u.Host = host
	} else {
		u.Host = host + ":" + port
	}
	return u, true
}

// urlKind is a kind of text that is a URL. A URL may contain a password by
// mistake: then the message about it does not repeat the URL.
func urlKind(accepts string, parse func(string) (string, string, bool)) kind[string] {
	k := textKind(accepts, parse, func(s string) string { return s })
	read := k.read
	k.read = func(n node) (string, []problem) {
		if n.shape != shapeText {
			return read(n)
		}
		v, advice, ok := parse(n.text)
		if ok {
			return v, nil
		}
		if strings.ContainsAny(n.text, "@?#") {
			n.text = "…"
		}
		return "", mismatch(n, accepts, advice)
	}
	return k
}
