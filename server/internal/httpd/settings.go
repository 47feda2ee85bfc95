package httpd

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Settings are what the configuration says about HTTP. A request sees the same Settings
// from its beginning to its end, even if the configuration is reloaded meanwhile.
type Settings struct {
	// Agents are the agents of this gateway, the default one first. There is at
	// least one.
	Agents []protocol.Agent
	// AllowedOrigins are the origins of other sites whose pages may use the API:
	// scheme://host[:port] as browsers spell it, or "*" for all.
	AllowedOrigins []string
	// Hosts are further host names by which browsers may reach the gateway, in lower case.
	Hosts []string
	// TrustedProxies are the networks of proxies whose X-Forwarded-* and Forwarded
	// headers count.
	TrustedProxies []netip.Prefix
	// PublicURL is the URL under which people reach the gateway; empty: the one that
	// each request was sent to. Its path, if it has one, is the base: see withBase.
	PublicURL string
	// RateLimitRPM is how many files a user may upload in a minute; 0: no limit.
	RateLimitRPM int
	// HSTS is for how long a browser that came over TLS must not use plain HTTP; 0:
	// the header Strict-Transport-Security is not sent.
	HSTS time.Duration
}

// settingsKey is the key of the Settings in a request's context.
type settingsKey struct{}

// withSettings puts the Settings in force into the request's context.
func (s *server) withSettings(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), settingsKey{}, s.Settings())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// settings gives the Settings of the request: those of withSettings, or those in
// force if the request has not passed through it.
func (s *server) settings(r *http.Request) Settings {
	if settings, ok := r.Context().Value(settingsKey{}).(Settings); ok {
		return settings
	}
	return s.Settings()
}

// isTrusted reports whether the address is that of a trusted proxy.
func (s Settings) isTrusted(a netip.Addr) bool { return inNetworks(s.TrustedProxies, a) }

// inNetworks reports whether one of the networks has the address.
func inNetworks(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// originListed reports whether AllowedOrigins has the page's origin.
func (s Settings) originListed(origin string) bool {
	return slices.ContainsFunc(s.AllowedOrigins,
		func(o string) bool { return o == "*" || o == origin })
}

// publicOrigin is the origin of PublicURL, or "".
func (s Settings) publicOrigin() string {
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return origin(u.Scheme, u.Host)
}

// namesHost reports whether the settings name a host, in lower case: as a host of the
// gateway's, in its URL, or as the host of an allowed origin.
func (s Settings) namesHost(host string) bool {
	return slices.Contains(s.Hosts, host) || host == hostOf(s.PublicURL) ||
		slices.ContainsFunc(s.AllowedOrigins, func(o string) bool { return host == hostOf(o) })
}

// hostOf is the host name of a URL, or "".
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// base is the path of PublicURL, such as "/chat", or "". It does not end with a slash.
func (s Settings) base() string {
	_, rest, _ := strings.Cut(s.PublicURL, "://")
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		return strings.TrimRight(rest[at:], "/")
	}
	return ""
}

// agentName is the name of the agent, or its id if there is no such agent any
// more.
func (s Settings) agentName(id string) string {
	for _, a := range s.Agents {
		if a.ID == id {
			return a.Name
		}
	}
	return id
}

// suggestions are first messages that the page of a new chat offers.
func (s Settings) suggestions() []string {
	if s.Agents[0].Provider == "builtin" {
		return []string{"What can you show me?", "Show me some markdown",
			"Tell me a long story about gatehouses", "Write some code"}
	}
	return []string{"What can you help me with?", "Explain something to me simply",
		"Help me write a message"}
}
