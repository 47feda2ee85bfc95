package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
)

// anyName stands in the path of an agent's key for the agent's name.
const anyName = "NAME"

// A target holds the fields that keys are kept in.
type target struct {
	config *Config // for keys outside of agents.list
	agent  *Agent  // for keys of an entry of agents.list
}

// A key describes one key of the configuration. Decoding, validation, overrides and
// the reference know nothing else about the key.
type key struct {
	path               string // with anyName for an agent's name
	what               string // what the key is for, for the reference: Markdown, one line
	defaultDescription string // the default in words, for the reference; empty: literal
	env                string // the variable that overrides the key, if any
	flag               string // the flag that overrides the key, if any, without its dash
	accepts            string // as in kind
	literal            string // the default as a file would have it

	// isLive says that a reload applies a change. Keys of agents are always live.
	isLive bool

	reset func(target)                 // sets the default
	read  func(target, node) []problem // sets the value of node, or returns its problems
	check func(target) []problem       // validates the current value
	same  func(a, b target) bool       // compares two values
	copy  func(to, from target)
	show  func(target) string // the value as a file would have it, "" if it is empty
}

// newKey describes the key at path, with values of kind k and the default def, kept
// in field. what is for the reference.
func newKey[T any](path string, k kind[T], def T, field func(target) *T, what string) key {
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
				return []problem{{text: "must be in its normal form, " + k.write(same).literal()}}
			}
			return problems
		},
	}
}

// describeDefault sets the words that the reference has in place of the literal.
func (k key) describeDefault(words string) key { k.defaultDescription = words; return k }

// live marks a key whose changes a reload applies.
func (k key) live() key { k.isLive = true; return k }

// overriddenBy names the variable and the flag that override the key; either may be
// empty.
func (k key) overriddenBy(env, flag string) key { k.env, k.flag = env, flag; return k }

// ofAgent reports whether the key belongs to an entry of agents.list.
func (k key) ofAgent() bool { return strings.Contains(k.path, "."+anyName+".") }

// pathOfAgent returns the path of an agent's key, for one agent.
func (k key) pathOfAgent(name string) string {
	return strings.Replace(k.path, "agents.list."+anyName, join("agents.list", name), 1)
}

// shownValue returns a value as a file would have it, but a secret redacted.
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
	return slices.Concat(gatewayKeys(), tlsKeys(), storageAndLogKeys(), webhookKeys(), agentKeys())
}

func gatewayKeys() []key {
	return []key{
		newKey("gateway.listen", listenAddress(), "127.0.0.1:8080",
			func(t target) *string { return &t.config.Gateway.Listen },
			"Where the gateway listens. `:8080` is every interface; port 0 lets the "+
				"system choose.").
			overriddenBy("GATEHOUSE_LISTEN", "listen"),
		newKey("gateway.token", secret(16), Secret{},
			func(t target) *Secret { return &t.config.Gateway.Token },
			"The admin's token.").
			overriddenBy("GATEHOUSE_GATEWAY_TOKEN", "").
			describeDefault("made on the first start, kept in `data_dir`"),
		newKey("gateway.token_file", filePath(), "",
			func(t target) *string { return &t.config.Gateway.TokenFile },
			"A file that holds the admin's token, instead of `gateway.token`; only its owner "+
				"should be able to read it."),
		newKey("gateway.allowed_origins", listOf(origin()), nil,
			func(t target) *[]string { return &t.config.Gateway.AllowedOrigins },
			"The pages of other origins that may connect. "+
				"The gateway's own pages always may.").live(),
		newKey("gateway.hosts", listOf(hostName()), nil,
			func(t target) *[]string { return &t.config.Gateway.Hosts },
			"Further host names by which browsers reach the gateway; under any other name they are "+
				"refused (421). Known without this key: addresses, `localhost`, names without a dot or "+
				"under `.local`, `.lan`, `.internal` or `.home.arpa`, the machine's own name, and the "+
				"hosts of `gateway.public_url`, `gateway.allowed_origins` and the certificate.").live(),
		newKey("gateway.rate_limit_rpm", integer(0, 100000), 0,
			func(t target) *int { return &t.config.Gateway.RateLimitRPM },
			"Requests per minute that a user may make over "+
				"its WebSockets, with a burst of 5; as many files may be uploaded, with a burst of 10; "+
				"0 is no limit.").live(),
		newKey("gateway.max_connections", integer(1, 1_000_000), 10_000,
			func(t target) *int { return &t.config.Gateway.Limits.Connections },
			"How many connections may be open at once.").live(),
		newKey("gateway.max_connections_per_user", integer(1, 1_000_000), 50,
			func(t target) *int { return &t.config.Gateway.Limits.ConnectionsPerUser },
			"How many connections one user may have.").live(),
		newKey("gateway.max_connections_per_address", integer(100, 1_000_000), 250,
			func(t target) *int { return &t.config.Gateway.Limits.ConnectionsPerAddress },
			"How many connections may come from one address (IPv6: one /64). "+
				"`gateway.trusted_proxies` are exempt.").live(),
		newKey("gateway.max_pending_connections", integer(10, 1_000_000), 1000,
			func(t target) *int { return &t.config.Gateway.Limits.PendingConnections },
			"How many connections may be unauthenticated, "+
				"including those that wait for pairing.").live(),
		newKey("gateway.max_pending_pairings", integer(1, 100_000), 1000,
			func(t target) *int { return &t.config.Gateway.Limits.PendingPairings },
			"How many pairings may wait for an admin.").live(),
		newKey("gateway.max_runs_per_user", integer(0, 100_000), 0,
			func(t target) *int { return &t.config.Gateway.Limits.RunsPerUser },
			"How many answers a user may have queued or running at once, in all sessions; 0 is no "+
				"limit. One session has at most 11.").live(),
		newKey("gateway.metrics_listen", loopbackAddress(), "",
			func(t target) *string { return &t.config.Gateway.MetricsListen },
			"A loopback address that serves `/metrics` without a credential. Admins also get "+
				"metrics at the gateway's address."),
		newKey("gateway.trusted_proxies", listOf(proxy()), nil,
			func(t target) *[]netip.Prefix { return &t.config.Gateway.TrustedProxies },
			"The proxies whose `X-Forwarded-*` and `Forwarded` headers count.").live(),
		newKey("gateway.drain_timeout", duration(0, 10*time.Minute), 30*time.Second,
			func(t target) *time.Duration { return &t.config.Gateway.DrainTimeout },
			"How long a shutdown waits for running answers.").live(),
		newKey("gateway.pairing", boolean(), true,
			func(t target) *bool { return &t.config.Gateway.Pairing },
			"Whether unknown browsers may ask to be paired.").live(),
		newKey("gateway.public_url", publicURL(), "",
			func(t target) *string { return &t.config.Gateway.PublicURL },
			"The URL at which people reach the gateway, for sign-in links and QR codes. With a "+
				"path, the gateway is [under that path](network.md#under-a-path).").
			describeDefault("made from `gateway.listen`").live(),
	}
}

func storageAndLogKeys() []key {
	return []key{
		newKey("data_dir", filePath(), "", func(t target) *string { return &t.config.DataDir },
			"The folder of all data: the database, "+
				"uploaded files, the generated token and certificates.").
			overriddenBy("GATEHOUSE_DATA_DIR", "data-dir").
			describeDefault("`$XDG_DATA_HOME/gatehouse`, else `~/.local/share/gatehouse`, without " +
				"a home `gatehouse-data` in the working directory"),
		newKey("retention.pieces", age(time.Minute), 24*time.Hour,
			func(t target) *time.Duration { return &t.config.Retention.Pieces },
			"How long the streamed pieces of an answer are kept after its end. "+
				"The answer itself is kept; "+
				"a browser that reconnects later than that reloads the conversation.").live(),
		newKey("retention.sessions", ageOrNever(time.Hour), 0,
			func(t target) *time.Duration { return &t.config.Retention.Sessions },
			"How long after its last change a session is deleted with its messages and files, "+
				"pinned sessions too; `\"0\"` is never.").live(),
		newKey("retention.audit", ageOrNever(24*time.Hour), 0,
			func(t target) *time.Duration { return &t.config.Retention.Audit },
			"How long entries of the audit log are kept; `\"0\"` is for ever.").live(),
		newKey("media.max_bytes", size(1<<10, 1<<30), 20<<20,
			func(t target) *int64 { return &t.config.Media.MaxBytes },
			"The largest file that can be sent.").live(),
		newKey("media.quota", size(1<<20, 1<<40), 500<<20,
			func(t target) *int64 { return &t.config.Media.Quota },
			"How large all files of a user may be together. "+
				"Deleting a chat deletes its files.").live(),
		newKey("media.orphans", age(time.Minute), 24*time.Hour,
			func(t target) *time.Duration { return &t.config.Media.Orphans },
			"How long an uploaded file is kept that was never sent.").live(),
		newKey("log.format", logFormat(), LogText,
			func(t target) *LogFormat { return &t.config.Log.Format },
			"The format of log lines.").overriddenBy("", "log-format"),
		newKey("log.level", logLevel(), slog.LevelInfo,
			func(t target) *slog.Level { return &t.config.Log.Level },
			"The lowest level that is logged.").overriddenBy("", "log-level").live(),
	}
}

// longestAnswer is the most that the timeouts of an agent may be.
const longestAnswer = time.Hour

func agentKeys() []key {
	const entry = "agents.list." + anyName + "."
	return []key{
		newKey("agents.default", agentName(), firstAgent,
			func(t target) *string { return &t.config.Agents.Default },
			"The agent that answers if a client names none.").live(),
		newKey(entry+"provider", provider(), "",
			func(t target) *Provider { return &t.agent.Provider },
			"Who answers: the demo agent, any server with OpenAI's API, or Anthropic. "+
				"`NAME` is "+agentNameRule+". Without `agents.list` there is one agent, "+
				"`default`, the demo agent.").describeDefault("required"),
		newKey(entry+"base_url", baseURL(), "",
			func(t target) *string { return &t.agent.BaseURL },
			"The base URL of the provider's API.").
			describeDefault("openai: `" + OpenAI.baseURL() + "`, anthropic: `" +
				Anthropic.baseURL() + "`"),
		newKey(entry+"model", oneLine(200), "", func(t target) *string { return &t.agent.Model },
			"The model's name at the provider.").describeDefault("required, save for builtin"),
		newKey(entry+"api_key", secret(1), Secret{},
			func(t target) *Secret { return &t.agent.APIKey },
			"The provider's API key. Required for Anthropic, and for OpenAI at its "+
				"own `base_url`.").
			describeDefault("openai: `$" + OpenAI.keyVariable() + "`, anthropic: `$" +
				Anthropic.keyVariable() + "`"),
		newKey(entry+"api_key_file", filePath(), "",
			func(t target) *string { return &t.agent.APIKeyFile },
			"A file that holds the key, instead of `api_key`; only its owner should be "+
				"able to read it."),
		newKey(entry+"system_prompt", multiLine(65536), "",
			func(t target) *string { return &t.agent.SystemPrompt },
			"What is sent to the model before every conversation."),
		newKey(entry+"max_tokens", integer(1, 1_000_000), 0,
			func(t target) *int { return &t.agent.MaxTokens },
			"The most tokens that an answer may have.").
			describeDefault(fmt.Sprintf("the provider's, anthropic: %d", anthropicMaxTokens)),
		newKey(entry+"temperature", optionalNumber(0, 2), nil,
			func(t target) **float64 { return &t.agent.Temperature },
			fmt.Sprintf("How freely the model chooses its words; anthropic takes at most %d.",
				anthropicMaxTemperature)).
			describeDefault("the provider's"),
		newKey(entry+"timeout", duration(time.Second, longestAnswer), 5*time.Minute,
			func(t target) *time.Duration { return &t.agent.Timeout },
			"How long a whole answer may take.").
			describeDefault("`\"5m\"`, or 5 minutes more than a `first_token_timeout` that is as long"),
		newKey(entry+"first_token_timeout", duration(time.Second, longestAnswer), 3*time.Minute,
			func(t target) *time.Duration { return &t.agent.FirstTokenTimeout },
			"How long the model may take until the first word of an answer or of its reasoning. "+
				"What else the server sends before that does not extend the time."),
		newKey(entry+"idle_timeout", duration(time.Second, longestAnswer), time.Minute,
			func(t target) *time.Duration { return &t.agent.IdleTimeout },
			"How long the server may send nothing in the middle of an answer. "+
				"A comment, as some servers send while they wait, counts as a sign of life."),
		newKey(entry+"reasoning", reasoningTags(), reasoning.Default,
			func(t target) *string { return &t.agent.Reasoning },
			"The tags around the reasoning that a model writes at the beginning of its text. "+
				"Reasoning is shown apart from the answer and is in no prompt."),
		newKey(entry+"history_messages", integer(1, 1000), 40,
			func(t target) *int { return &t.agent.HistoryMessages },
			"How many of the session's last messages the model sees."),
		newKey(entry+"images", boolean(), true, func(t target) *bool { return &t.agent.Images },
			"Whether the model is sent the images of users. "+
				"Otherwise it is sent their file names."),
		newKey(entry+"label", oneLine(64), "", func(t target) *string { return &t.agent.Label },
			"The agent's name, as people see it.").describeDefault("`NAME`"),
		newKey(entry+"description", oneLine(500), "",
			func(t target) *string { return &t.agent.Description },
			"What the agent is for, as people see it."),
	}
}

// literal returns the value as JSON5, or "" for null and empty text.
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

// firstAgent is the name of the agent that a gateway without agents.list has, and the
// default of agents.default.
const firstAgent = "default"

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
	c.Agents.List = map[string]Agent{firstAgent: a}
	return c
}

// A section is an object of the file: its keys, and the objects in it.
type section struct {
	names    []string            // of both, in the order of the schema
	keys     map[string]key      // by name
	sections map[string]*section // by name; anyName for all entries of agents.list
}

// sections returns the keys as the tree of objects that a file has.
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
