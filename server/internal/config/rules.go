package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// anthropicMaxTemperature is the highest temperature that Anthropic's API accepts.
const anthropicMaxTemperature = 1

// rules adds the faults of keys that contradict each other, or are missing. It adds
// none for a key that has a fault already.
func (d *draft) rules() {
	d.tlsRules()
	d.webhookRules()
	d.hostRules()
	d.trustRules()
	d.mediaRules()
	d.addressRules()
	names := d.config.agentNames()
	for _, name := range names {
		d.agentRules(join("agents.list", name), d.config.Agents.List[name])
	}
	if len(names) == 0 {
		d.fault(d.locationOf("agents.list"), "agents.list",
			"must hold at least one agent, such as default: { provider: \"builtin\" }")
		return
	}
	name := d.config.Agents.Default
	if _, ok := d.config.Agents.List[name]; !ok && !d.faulted["agents.default"] {
		text := "must be the name of an agent in agents.list: " + strings.Join(quoteAll(names), ", ")
		if _, given := d.given["agents.default"]; !given && name == firstAgent {
			text += "; leave it out only if one is named " + quote(name)
		} else {
			text += "; got " + quote(name)
		}
		d.fault(d.locationOf("agents.default"), "agents.default", text)
	}
}

// hostRules warns if the gateway stands behind a proxy and no key says by which name
// browsers reach it.
func (d *draft) hostRules() {
	g, t := d.config.Gateway, d.config.TLS
	origins := slices.ContainsFunc(g.AllowedOrigins, func(o string) bool { return o != "*" })
	if len(g.TrustedProxies) == 0 || g.PublicURL != "" || len(g.Hosts) > 0 || origins || t.On() {
		return
	}
	d.warn(d.locationOf("gateway.trusted_proxies"), "gateway.trusted_proxies",
		"no key says by which name browsers reach the proxy, and under a public name they are "+
			"refused (421): give gateway.public_url, such as \"https://chat.example.com\", "+
			"or gateway.hosts")
}

// trustRules warns if every client is trusted as if it were a proxy.
func (d *draft) trustRules() {
	for i, p := range d.config.Gateway.TrustedProxies {
		if p.Bits() == 0 {
			path := fmt.Sprintf("gateway.trusted_proxies[%d]", i)
			d.warn(d.locationOf(path), path, "trusts every client, so that anybody may claim any "+
				"address, and escape limits: name only the addresses of your proxies")
		}
	}
}

func (d *draft) agentRules(path string, a Agent) {
	if a.Provider == "" {
		d.require(path+".provider", "is required: "+provider().accepts)
		return
	}
	if a.Provider.baseURL() == "" { // the demo agent, or a bad provider, which has a fault
		return
	}
	if a.Model == "" {
		d.require(path+".model", fmt.Sprintf(
			"is required with provider %q: the model's name in quotes", a.Provider))
	}
	keyFaulted := d.faulted[path+".api_key_file"] || d.faulted[path+".base_url"]
	if a.needsKey() && !a.APIKey.IsSet() && a.APIKeyFile == "" && !keyFaulted {
		d.require(path+".api_key", fmt.Sprintf(
			"is required with provider %q at %s: "+
				"give it, or api_key_file, or the environment variable %s",
			a.Provider, cmp.Or(a.BaseURL, a.Provider.baseURL()), a.Provider.keyVariable()))
	}
	if d.isGiven(path+".timeout") && d.isGiven(path+".first_token_timeout") &&
		a.FirstTokenTimeout > a.Timeout && !d.faulted[path+".timeout"] &&
		!d.faulted[path+".first_token_timeout"] {
		d.fault(d.locationOf(path+".first_token_timeout"), path+".first_token_timeout", fmt.Sprintf(
			"must not be longer than timeout, which limits the whole answer and is %s; got %s",
			formatDuration(a.Timeout), formatDuration(a.FirstTokenTimeout)))
	}
	if t := a.Temperature; a.Provider == Anthropic && t != nil && *t > anthropicMaxTemperature {
		d.fault(d.locationOf(path+".temperature"), path+".temperature", fmt.Sprintf(
			"must be a number from 0 to %d with provider \"anthropic\"; got %g",
			anthropicMaxTemperature, *t))
	}
}

// mediaRules adds a fault if no user could send the largest file that is allowed.
func (d *draft) mediaRules() {
	m := d.config.Media
	if m.Quota >= m.MaxBytes || d.faulted["media.quota"] || d.faulted["media.max_bytes"] {
		return
	}
	const path = "media.quota"
	if !d.isGiven(path) {
		at := "media.max_bytes"
		d.warn(d.locationOf(at), at, fmt.Sprintf("no user can send a file of that size: the default "+
			"of media.quota, %s, is less; set media.quota too", formatSize(m.Quota)))
		return
	}
	d.fault(d.locationOf(path), path, fmt.Sprintf("must be at least media.max_bytes (%s), "+
		"since a larger file would exceed its user's quota; got %s",
		formatSize(m.MaxBytes), formatSize(m.Quota)))
}

// addressRules adds a fault for each address that an earlier key has already.
func (d *draft) addressRules() {
	type listener struct{ path, address string }
	all := []listener{
		{"gateway.listen", d.config.Gateway.Listen},
		{"gateway.metrics_listen", d.config.Gateway.MetricsListen},
		{"tls.redirect_listen", d.config.TLS.RedirectListen},
	}
	for i, l := range all {
		for _, earlier := range all[:i] {
			if sameAddress(l.address, earlier.address) && !d.faulted[l.path] {
				d.fault(d.locationOf(l.path), l.path, fmt.Sprintf(
					"must be another address than %s, which is %s; got %s", earlier.path,
					quote(earlier.address), quote(l.address)))
			}
		}
	}
}

// sameAddress reports whether only one of two listeners could have its address.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || strings.Trim(portA, "0") == "" {
		return false // port 0 is a free one
	}
	return strings.EqualFold(hostA, hostB) || isEveryInterface(hostA) || isEveryInterface(hostB)
}

// isEveryInterface reports whether a listener at host listens on all interfaces.
func isEveryInterface(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.IsUnspecified()
}

// timeToAnswer is how much longer a whole answer may take than a first token that may take
// as long as the default timeout or longer.
const timeToAnswer = 5 * time.Minute

// extendTimeouts raises the timeouts that were not given and are too short for the agent's
// first_token_timeout.
func (d *draft) extendTimeouts() {
	for name, a := range d.config.Agents.List {
		path := join("agents.list", name)
		if !d.isGiven(path+".timeout") && a.FirstTokenTimeout >= a.Timeout {
			a.Timeout = min(a.FirstTokenTimeout+timeToAnswer, longestAnswer)
			d.config.Agents.List[name] = a
		}
	}
}

// needsKey reports whether the agent's server refuses requests without an API key.
// Other servers with OpenAI's API may not need one.
func (a Agent) needsKey() bool {
	return a.Provider == Anthropic || a.Provider == OpenAI && a.usesProviderServer()
}

// usesProviderServer reports whether the agent talks to its provider's own server.
func (a Agent) usesProviderServer() bool {
	return a.BaseURL == "" || a.BaseURL == a.Provider.baseURL()
}

func (d *draft) isGiven(path string) bool {
	_, ok := d.given[path]
	return ok
}

// require adds the fault of a missing key, unless the key was given with a bad value.
func (d *draft) require(path, problem string) {
	if !d.isGiven(path) && !d.faulted[path] {
		d.fault(d.locationOf(path), path, problem)
	}
}

// exclusive adds a fault if both keys were given in the file.
func (d *draft) exclusive(one, other string) {
	if d.isGiven(one) && d.isGiven(other) {
		d.fault(d.locationOf(other), other, "excludes "+one+", which is given too; leave one out")
	}
}

func quoteAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return quoted
}

// Validate returns all faults of a configuration that was made in code, as Faults.
// What Load and Parse return is always valid.
func (c Config) Validate() error {
	d := newDraft()
	d.config = c
	for _, k := range d.keys {
		if !k.ofAgent() {
			d.problems("configuration", k.path, k.check(target{config: &c}))
			continue
		}
		for _, name := range c.agentNames() {
			a := c.Agents.List[name]
			d.problems("configuration", k.pathOfAgent(name), k.check(target{agent: &a}))
		}
	}
	for _, name := range c.agentNames() {
		if !validAgentName.MatchString(name) {
			d.fault(location{source: "configuration"}, join("agents.list", name),
				"an agent's name must be "+agentNameRule)
		}
	}
	d.rules()
	return d.faults.sorted()
}
