// Package config turns config.json5, the environment and the command line into
// a Config, or into the list of everything that is wrong with them.
//
// One table (schema.go) describes every key. Decoding, validation, the
// detection of unknown keys, the overrides by environment and flags, and the
// reference in the manual all read that table. So a new key is one row.
//
// Sources are applied in the order defaults, file, environment, flags; a later
// source wins. All faults of all sources are reported at once, with one
// exception: a file that is not JSON5 yields only its syntax faults.
//
// Terms:
//
//   - key: one setting, named by its path, such as gateway.listen.
//   - kind: which values a key takes and how they are written.
//   - fault: a mistake that keeps the configuration from being used.
//   - warning: something odd that does not keep the configuration from being used.
//   - live: a change to the key applies without a restart.
package config

import (
	"cmp"
	"log/slog"
	"net/netip"
	"time"
)

// A Config is a complete, checked configuration. It is plain data, so that
// reflect.DeepEqual compares two of them.
type Config struct {
	// File is the file that was read, as it was named, or empty if there was none.
	File      string
	Gateway   Gateway
	TLS       TLS
	DataDir   string // absolute after Load
	Retention Retention
	Media     Media
	Webhook   Webhook
	Log       Log
	Agents    Agents
}

// Gateway says how clients reach the gateway and what they may do there.
type Gateway struct {
	// Listen is host:port, or :port for every interface. Port 0 lets the system choose.
	Listen string
	// Token is the admin's. If it is unset, the gateway generates one into DataDir.
	Token Secret
	// TokenFile is the file that Token was read from, or empty.
	TokenFile string
	// AllowedOrigins are normalised, scheme://host[:port] or "*"; nil allows none.
	AllowedOrigins []string
	// Hosts are further host names by which browsers may reach the gateway, in lower
	// case; nil: none.
	Hosts []string
	// RateLimitRPM is requests per minute and user; 0 is no limit.
	RateLimitRPM int
	// Limits bound what may exist at the same time.
	Limits Limits
	// MetricsListen is host:port on a loopback address. If it is empty, only admins get
	// metrics, at Listen.
	MetricsListen string
	// TrustedProxies are those whose X-Forwarded-* and Forwarded headers count; nil trusts
	// none.
	TrustedProxies []netip.Prefix
	// DrainTimeout is how long a shutdown waits for running answers.
	DrainTimeout time.Duration
	// Pairing lets unknown browsers ask to be paired.
	Pairing bool
	// PublicURL is normalised scheme://host[:port][/path], or empty if it is not set.
	PublicURL string
}

// Limits bound what may exist at the same time.
type Limits struct {
	Connections           int // of all users and addresses
	ConnectionsPerUser    int
	ConnectionsPerAddress int // trusted proxies are exempt
	PendingConnections    int // not authenticated yet
	PendingPairings       int
	RunsPerUser           int // queued and running; 0: no limit
}

// Retention says when stored data is deleted. 0 keeps it for ever.
type Retention struct {
	Pieces   time.Duration // the streamed pieces of an answer, after its run ended; never 0
	Sessions time.Duration // a session, after its last change
	Audit    time.Duration // an entry of the audit log
}

// Media bounds uploaded files.
type Media struct {
	MaxBytes int64         // of one file
	Quota    int64         // of all files of one user, in bytes
	Orphans  time.Duration // how long an upload is kept that no message refers to
}

// Log says what is logged and how.
type Log struct {
	Format LogFormat
	Level  slog.Level // the lowest level that is logged
}

// A LogFormat is the format of log lines.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Agents are the agents that users can talk to.
type Agents struct {
	Default string           // the agent that answers if a client names none; a key of List
	List    map[string]Agent // by name
}

// A Provider is the API through which an agent's model is reached.
type Provider string

// The providers.
const (
	Builtin   Provider = "builtin"   // the demo agent: no key, no network
	OpenAI    Provider = "openai"    // any server that speaks OpenAI's API
	Anthropic Provider = "anthropic" // Anthropic's API
)

// anthropicMaxTokens is the default of max_tokens for Anthropic, whose API
// requires a number.
const anthropicMaxTokens = 8192

// baseURL returns the base URL of the provider's own server, "" if it has none.
func (p Provider) baseURL() string {
	switch p {
	case OpenAI:
		return "https://api.openai.com/v1"
	case Anthropic:
		return "https://api.anthropic.com"
	}
	return ""
}

// keyVariable returns the environment variable in which the provider's own tools
// look for its API key, "" if there is none.
func (p Provider) keyVariable() string {
	switch p {
	case OpenAI:
		return "OPENAI_API_KEY"
	case Anthropic:
		return "ANTHROPIC_API_KEY"
	}
	return ""
}

// An Agent is one entry of agents.list. All defaults are filled in, those that
// depend on the provider or the name too, so that consumers need none of their own.
type Agent struct {
	Provider     Provider
	BaseURL      string // normalised, without a trailing slash; empty for Builtin
	Model        string
	APIKey       Secret
	APIKeyFile   string        // the file that APIKey was read from, or empty
	SystemPrompt string        // sent before every conversation
	MaxTokens    int           // of one answer; 0: no limit is sent
	Temperature  *float64      // nil: the provider's default
	Timeout      time.Duration // of a whole run
	// FirstTokenTimeout limits the wait for the first token, IdleTimeout the server's
	// silence after it.
	FirstTokenTimeout, IdleTimeout time.Duration

	Reasoning       string // the tags around reasoning in the model's text, or "off"
	HistoryMessages int    // how many of the session's last messages the prompt has
	Images          bool   // whether the model is sent images
	Label           string // the name that people see
	Description     string // what the agent is for, for people
}

// fillDefaults fills in the defaults that depend on other keys: the ACME
// directory, and what an agent takes from its provider or name.
func (c *Config) fillDefaults() {
	if len(c.TLS.ACMEHosts) > 0 {
		c.TLS.ACMEDirectory = cmp.Or(c.TLS.ACMEDirectory, letsEncrypt)
	}
	for name, a := range c.Agents.List {
		a.BaseURL = cmp.Or(a.BaseURL, a.Provider.baseURL())
		if a.Provider == Anthropic {
			a.MaxTokens = cmp.Or(a.MaxTokens, anthropicMaxTokens)
		}
		a.Label = cmp.Or(a.Label, name)
		c.Agents.List[name] = a
	}
}
