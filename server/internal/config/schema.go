package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// anyName stands in a path for the name of an entry of agents.list.
const anyName = "NAME"

// A target is what a key is read into; agent is the entry of agents.list at
// hand, nil outside of one.
type target struct {
	config *Config
	agent  *Agent
}

// A key describes one key of the configuration, and is all that decoding,
// validation, overrides and the reference know about it.
type key struct {
	path    string // with anyName for an agent's name
	what    string // for the reference: Markdown, one line
	shown   string // for the reference: the default in words, if a literal says too little
	env     string // the variable that overrides it, if any
	flag    string // the flag that overrides it, if any, without its dash
	accepts string
	literal string // the default as it would be written
	reset   func(target)
	read    func(target, node) []problem
	check   func(target) []problem
	isLive  bool // a reload applies a change; those of agents are always live
	same    func(a, b target) bool
	copy    func(to, from target)
	show    func(target) string // the value as it would be written, "" for one that says nothing
}

// at describes the key at path, of kind k, with default def, kept in field.
func at[T any](path string, k kind[T], def T, field func(target) *T, what string) key {
	return key{
		path: path, what: what, accepts: k.accepts,
		literal: k.write(def).literal(),
		reset:   func(t target) { *field(t) = def },
		same:    func(a, b target) bool { return reflect.DeepEqual(*field(a), *field(b)) },
		copy:    func(to, from target) { *field(to) = *field(from) },
		show:    func(t target) string { return shownValue(k, *field(t)) },
		read: func(t target, n node) []problem {
			v, problems := k.read(n)
			if problems == nil {
				*field(t) = v
			}
			return problems
		},
		check: func(t target) []problem {
			v := *field(t)
			if reflect.DeepEqual(v, def) {
				return nil
			}
			same, problems := k.read(k.write(v))
			if problems == nil && !reflect.DeepEqual(v, same) {
				return []problem{{text: fmt.Sprintf("must be in its normal form, %s", k.write(same).literal())}}
			}
			return problems
		},
	}
}

func (k key) orElse(shown string) key { k.shown = shown; return k }

// live marks a key whose change a reload applies; others wait for a restart.
func (k key) live() key { k.isLive = true; return k }

func (k key) from(env, flag string) key { k.env, k.flag = env, flag; return k }

// ofAgent reports whether the key stands in an entry of agents.list.
func (k key) ofAgent() bool { return strings.Contains(k.path, "."+anyName+".") }

// shownValue returns a value as it would be written; a secret stays one.
func shownValue[T any](k kind[T], v T) string {
	if s, ok := any(v).(Secret); ok {
		if !s.IsSet() {
			return ""
		}
		return s.String()
	}
	return k.write(v).literal()
}

// schema lists every key, in the order of the reference.
func schema() []key {
	return slices.Concat(gatewayKeys(), tlsKeys(), placeKeys(), webhookKeys(), agentKeys())
}

func gatewayKeys() []key {
	return []key{
		at("gateway.listen", listenAddress(), "127.0.0.1:8080", func(t target) *string { return &t.config.Gateway.Listen },
			"Where the gateway listens. `:8080` is every interface; port 0 lets the system choose.").
			from("GATEHOUSE_LISTEN", "listen"),
		at("gateway.token", secret(16), Secret{}, func(t target) *Secret { return &t.config.Gateway.Token },
			"The admin's token.").
			from("GATEHOUSE_GATEWAY_TOKEN", "").orElse("made on the first start, kept in `data_dir`"),
		at("gateway.token_file", filePath(), "", func(t target) *string { return &t.config.Gateway.TokenFile },
			"A file that holds the admin's token, instead of `gateway.token`; only its owner should be able to read it."),
		at("gateway.allowed_origins", listOf(origin()), nil, func(t target) *[]string { return &t.config.Gateway.AllowedOrigins },
			"The pages of other origins that may connect. The gateway's own pages always may.").live(),
		at("gateway.rate_limit_rpm", whole(0, 100000), 0, func(t target) *int { return &t.config.Gateway.RateLimitRPM },
			"Requests a minute that a user may make over its WebSockets, with a burst of 5; 0 is no limit.").live(),
		at("gateway.max_connections", whole(1, 1_000_000), 10_000, func(t target) *int { return &t.config.Gateway.Most.Connections },
			"How many connections there may be at once.").live(),
		at("gateway.max_connections_per_user", whole(1, 1_000_000), 50, func(t target) *int { return &t.config.Gateway.Most.ConnectionsPerUser },
			"How many of them may be a user's.").live(),
		at("gateway.max_connections_per_address", whole(100, 1_000_000), 250, func(t target) *int { return &t.config.Gateway.Most.ConnectionsPerAddress },
			"How many of them may come from one address (IPv6: one /64). `gateway.trusted_proxies` may have any number.").live(),
		at("gateway.max_pending_connections", whole(10, 1_000_000), 1000, func(t target) *int { return &t.config.Gateway.Most.PendingConnections },
			"How many of them may be unauthenticated, those that wait for pairing among them.").live(),
		at("gateway.max_pending_pairings", whole(1, 100_000), 1000, func(t target) *int { return &t.config.Gateway.Most.PendingPairings },
			"How many pairings may wait for an admin.").live(),
		at("gateway.max_runs_per_user", whole(0, 100_000), 0, func(t target) *int { return &t.config.Gateway.Most.RunsPerUser },
			"How many answers a user may wait for at once, in all sessions; 0 is any number. One session has 11 at the most.").live(),
		at("gateway.metrics_listen", loopbackAddress(), "", func(t target) *string { return &t.config.Gateway.MetricsListen },
			"A loopback address of its own for `/metrics`, without a credential. Admins get them under the gateway's address too."),
		at("gateway.trusted_proxies", listOf(proxy()), nil, func(t target) *[]netip.Prefix { return &t.config.Gateway.TrustedProxies },
			"The proxies whose `X-Forwarded-*` headers count.").live(),
		at("gateway.drain_timeout", duration(0, 10*time.Minute), 30*time.Second, func(t target) *time.Duration { return &t.config.Gateway.DrainTimeout },
			"How long a stop waits for answers that are being written.").live(),
		at("gateway.pairing", yesNo(), true, func(t target) *bool { return &t.config.Gateway.Pairing },
			"Whether browsers that are not known may ask to be paired.").live(),
		at("gateway.public_url", publicURL(), "", func(t target) *string { return &t.config.Gateway.PublicURL },
			"The URL under which people reach the gateway, for sign-in links and QR codes.").
			orElse("made from `gateway.listen`").live(),
	}
}

func placeKeys() []key {
	return []key{
		at("data_dir", filePath(), "", func(t target) *string { return &t.config.DataDir },
			"The folder of everything that is kept.").
			from("GATEHOUSE_DATA_DIR", "data-dir").
			orElse("`$XDG_DATA_HOME/gatehouse`, else `~/.local/share/gatehouse`, without a home `gatehouse-data` in the working directory"),
		at("retention.pieces", age(time.Minute), 24*time.Hour, func(t target) *time.Duration { return &t.config.Retention.Pieces },
			"How long the pieces in which an answer was streamed stay after its end. Answers stay whole; "+
				"a browser that comes back later than that loads the conversation anew.").live(),
		at("retention.sessions", ageOrNever(time.Hour), 0, func(t target) *time.Duration { return &t.config.Retention.Sessions },
			"How long after its last change a session is deleted with all that is in it, pinned ones too; `\"0\"` is never.").live(),
		at("retention.audit", ageOrNever(24*time.Hour), 0, func(t target) *time.Duration { return &t.config.Retention.Audit },
			"How long lines of the audit log stay; `\"0\"` is for ever.").live(),
		at("media.max_bytes", size(1<<10, 1<<30), 20<<20, func(t target) *int64 { return &t.config.Media.MaxBytes },
			"The largest file that can be sent.").live(),
		at("media.quota", size(1<<20, 1<<40), 500<<20, func(t target) *int64 { return &t.config.Media.Quota },
			"How much all files of a user may take together. Files go with their chats.").live(),
		at("media.orphans", age(time.Minute), 24*time.Hour, func(t target) *time.Duration { return &t.config.Media.Orphans },
			"How long an uploaded file stays that was never sent.").live(),
		at("log.format", logFormat(), LogText, func(t target) *LogFormat { return &t.config.Log.Format },
			"The form of a log line.").from("", "log-format"),
		at("log.level", logLevel(), slog.LevelInfo, func(t target) *slog.Level { return &t.config.Log.Level },
			"The least that is logged.").from("", "log-level").live(),
	}
}

func agentKeys() []key {
	const entry = "agents.list." + anyName + "."
	return []key{
		at("agents.default", agentName(), "default", func(t target) *string { return &t.config.Agents.Default },
			"The agent that answers where none is named.").live(),
		at(entry+"provider", provider(), "", func(t target) *Provider { return &t.agent.Provider },
			"Who answers: the demo agent, any server with OpenAI's API, or Anthropic. "+
				"`NAME` is "+agentNameRule+". Without `agents.list` there is one agent, `default`, the demo agent.").orElse("required"),
		at(entry+"base_url", baseURL(), "", func(t target) *string { return &t.agent.BaseURL },
			"Where the provider's API begins.").
			orElse("openai: `" + OpenAI.baseURL() + "`, anthropic: `" + Anthropic.baseURL() + "`"),
		at(entry+"model", oneLine(200), "", func(t target) *string { return &t.agent.Model },
			"The model's name at the provider.").orElse("required, save for builtin"),
		at(entry+"api_key", secret(1), Secret{}, func(t target) *Secret { return &t.agent.APIKey },
			"The provider's key. Needed for Anthropic, and for OpenAI at its own `base_url`.").
			orElse("openai: `$" + OpenAI.keyVariable() + "`, anthropic: `$" + Anthropic.keyVariable() + "`"),
		at(entry+"api_key_file", filePath(), "", func(t target) *string { return &t.agent.APIKeyFile },
			"A file that holds the key, instead of `api_key`; only its owner should be able to read it."),
		at(entry+"system_prompt", prose(65536), "", func(t target) *string { return &t.agent.SystemPrompt },
			"What the model is told before every conversation."),
		at(entry+"max_tokens", whole(1, 1_000_000), 0, func(t target) *int { return &t.agent.MaxTokens },
			"The most tokens an answer may have.").
			orElse(fmt.Sprintf("the provider's, anthropic: %d", anthropicMaxTokens)),
		at(entry+"temperature", fraction(0, 2), nil, func(t target) **float64 { return &t.agent.Temperature },
			fmt.Sprintf("How freely the model chooses its words; anthropic takes at most %d.", anthropicMaxTemperature)).
			orElse("the provider's"),
		at(entry+"timeout", duration(time.Second, time.Hour), 5*time.Minute, func(t target) *time.Duration { return &t.agent.Timeout },
			"How long a whole answer may take."),
		at(entry+"history_messages", whole(1, 1000), 40, func(t target) *int { return &t.agent.HistoryMessages },
			"How many of the session's last messages the model sees."),
		at(entry+"images", yesNo(), true, func(t target) *bool { return &t.agent.Images },
			"Whether the model is given the images that users send. One that takes none is told their names."),
		at(entry+"label", oneLine(64), "", func(t target) *string { return &t.agent.Label },
			"The agent's name for people.").orElse("`NAME`"),
		at(entry+"description", oneLine(500), "", func(t target) *string { return &t.agent.Description },
			"What the agent is for, for people."),
	}
}

// literal returns the value as JSON5, or "" for one that says nothing.
func (n node) literal() string {
	switch n.shape {
	case shapeList:
		items := make([]string, len(n.items))
		for i, item := range n.items {
			items[i] = item.literal()
		}
		return "[" + strings.Join(items, ", ") + "]"
	case shapeText:
		if n.text == "" {
			return ""
		}
		return quote(n.text)
	case shapeNull:
		return ""
	}
	return n.text
}

// newAgent returns an entry of agents.list with every key at its default.
func newAgent(keys []key) Agent {
	var a Agent
	for _, k := range keys {
		if k.ofAgent() {
			k.reset(target{agent: &a})
		}
	}
	return a
}

// defaults returns the configuration of an empty file.
func defaults(keys []key) Config {
	var c Config
	for _, k := range keys {
		if !k.ofAgent() {
			k.reset(target{config: &c})
		}
	}
	a := newAgent(keys)
	a.Provider = Builtin
	c.Agents.List = map[string]Agent{"default": a}
	return c
}

// A section is an object of the file: its keys, and its objects.
type section struct {
	names    []string // in the order of the schema
	keys     map[string]key
	sections map[string]*section // under anyName: what every entry is
}

// sections returns the keys as the tree that a file has.
func sections(keys []key) *section {
	root := newSection()
	for _, k := range keys {
		s := root
		segments := strings.Split(k.path, ".")
		for _, name := range segments[:len(segments)-1] {
			if s.sections[name] == nil {
				s.sections[name] = newSection()
				s.names = append(s.names, name)
			}
			s = s.sections[name]
		}
		last := segments[len(segments)-1]
		s.keys[last] = k
		s.names = append(s.names, last)
	}
	return root
}

func newSection() *section {
	return &section{keys: map[string]key{}, sections: map[string]*section{}}
}
