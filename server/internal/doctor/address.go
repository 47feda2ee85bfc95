package doctor

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// exampleURL is proposed if nothing can be made of what was given.
const exampleURL = "https://chat.example.com"

// AddressError says why a text is no URL of a gateway, or no origin.
type AddressError struct {
	Given    string // as it may be printed
	Problem  string
	Proposal string // what was probably meant
}

func (e *AddressError) Error() string {
	return e.Given + " " + e.Problem + ": write " + e.Proposal
}

// ParseURL parses the URL of a gateway as people write it: with http or ws, https or wss,
// with /ws or the path of a chat or of the console at its end, and with a host name in any
// script. The URL that it returns has http or https, the host name in ASCII, no slash at its
// end, and no other path than the gateway's. The error is an *AddressError.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || !hasHost(u) {
		return nil, &AddressError{shownAddress(text), "is no URL", proposal(text)}
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		return nil, &AddressError{shownAddress(text), "has to be http://host or https://host, " +
			"with a port if it is not the usual one, and nothing else", proposal(text)}
	}
	return &url.URL{Scheme: u.Scheme, Host: asciiHost(u), Path: gatewayPath(u.Path)}, nil
}

// ownPath matches a path of the gateway's own at the end of a URL: that of the WebSocket, or
// of a page whose address somebody has copied.
var ownPath = regexp.MustCompile(`/(ws|login|s/[^/]+|admin(/[a-z]+)?)$`)

// gatewayPath is the path under which the gateway is, if a URL has the given path.
func gatewayPath(path string) string {
	return strings.TrimRight(ownPath.ReplaceAllString(strings.TrimRight(path, "/"), ""), "/")
}

// asciiHost is the host of a URL as browsers send it: in lower case, and an internationalized
// name in its ASCII form (UTS #46).
func asciiHost(u *url.URL) string {
	if ascii, err := idna.Lookup.ToASCII(u.Hostname()); err == nil && !isASCII(u.Host) {
		return strings.TrimSuffix(ascii+":"+u.Port(), ":")
	}
	return strings.ToLower(u.Host)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}

// hasHost reports whether the URL's host and port can be connected to.
func hasHost(u *url.URL) bool {
	_, err := net.LookupPort("tcp", u.Port())
	validPort := u.Port() == "" && !strings.HasSuffix(u.Host, ":") || u.Port() != "" && err == nil
	if strings.Contains(u.Hostname(), ":") {
		_, err := netip.ParseAddr(u.Hostname())
		return err == nil && validPort
	}
	return validPort && !strings.ContainsAny(u.Hostname(), " \"'<>{}|\\^`,;%[]")
}

// ParseOrigin returns an origin as browsers send it. The error is an *AddressError.
func ParseOrigin(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || !hasHost(u):
		return "", &AddressError{shownAddress(text), "is no origin", "-origin " + proposedOrigin(text)}
	case u.Scheme == "ws" || u.Scheme == "wss" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", &AddressError{shownAddress(text), "is no origin: that is a scheme, a host and a port",
			"-origin " + proposedOrigin(text)}
	}
	return originOf(u), nil
}

// originOf is the origin of a URL's pages, as browsers send it.
func originOf(u *url.URL) string {
	host := asciiHost(u)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host
}

// shownAddress is text in quotes. Text that may hold a password, a code or a token is left
// out.
func shownAddress(text string) string {
	if strings.ContainsAny(text, "@?#") {
		return `"…"`
	}
	return `"` + quoted(text) + `"`
}

var schemeForm = regexp.MustCompile(`(?i)^([a-z][a-z0-9+.-]*)(://?|:?//+)`)

var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// proposal is the URL that was probably meant. A path is part of it, unless the path may be
// the rest of a password.
func proposal(text string) string {
	origin, path := proposedOrigin(text), text
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	path = schemeForm.ReplaceAllString(strings.TrimSpace(path), "")
	_, path, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	path = gatewayPath("/" + path)
	if strings.Contains(text, "@") || !pathForm.MatchString(path) {
		return origin
	}
	return origin + path
}

// proposedOrigin is the origin of the URL that was probably meant.
func proposedOrigin(text string) string {
	rest, scheme := strings.TrimSpace(text), ""
	if m := schemeForm.FindStringSubmatch(rest); m != nil {
		scheme, rest = strings.ToLower(m[1]), rest[len(m[0]):]
	}
	rest = strings.TrimLeft(rest, "/")
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, port := rest, ""
	if a, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil && a.Is6() {
		host = "[" + a.String() + "]"
	} else if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		host, port = rest[:i], rest[i+1:]
	}
	u := &url.URL{Scheme: "https", Host: host}
	if isLocal(u.Hostname()) && port != "443" || scheme == "http" || scheme == "ws" {
		u.Scheme = "http"
	}
	if scheme == "https" || scheme == "wss" {
		u.Scheme = "https"
	}
	withPort := &url.URL{Scheme: u.Scheme, Host: host + ":" + port}
	if port != "" && hasHost(withPort) {
		u = withPort
	}
	if host == "" && port != "" { // such as :8080, as gateway.listen has it
		u = &url.URL{Scheme: "http", Host: "localhost:" + port}
	}
	if again, err := url.Parse(u.String()); err != nil || again.Hostname() == "" || !hasHost(again) {
		return exampleURL
	}
	return originOf(u)
}

// isLocal reports whether a host is one that usually has no certificate.
func isLocal(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".lan") || strings.HasSuffix(host, ".localhost")
}
