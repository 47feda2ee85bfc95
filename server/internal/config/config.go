// Package config turns config.json5, the environment and the command line into
// a Config, or into the list of everything that is wrong with them.
//
// One table (schema.go) describes every key. Decoding, validation, the
// detection of unknown keys, the overrides by environment and flags, and the
// reference in the manual all read that table.
//
// Sources are applied in the order defaults, file, environment, flags; a later
// one wins. Every fault of every source is reported in one go, except that a
// file which is not JSON5 yields only its syntax faults.
package config

import (
	"cmp"
	"log/slog"
	"net/netip"
	"time"
)

// A Config is a complete, checked configuration. It holds no handles and no
// locks: two are equal when reflect.DeepEqual says so.
type Config struct {
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
	Listen         string   // host:port, or :port for every interface; port 0 lets the kernel choose
	Token          Secret   // the admin's; unset: the gateway makes one and keeps it in DataDir
	TokenFile      string   // where Token was read from; empty when it came from elsewhere
	AllowedOrigins []string // normalised scheme://host[:port], or "*"; nil when none
	RateLimitRPM   int      // requests a minute a user; 0 is off
	Most           Most
	MetricsListen  string         // host:port on a loopback address; empty: metrics are served to admins alone
	TrustedProxies []netip.Prefix // nil when none
	DrainTimeout   time.Duration
	Pairing        bool
	PublicURL      string // normalised scheme://host[:port]; empty when not given
}

// Most says how much of something there may be at once.
type Most struct {
	Connections           int // in all
	ConnectionsPerUser    int
	ConnectionsPerAddress int // trusted proxies are exempt
	PendingConnections    int // not authenticated
	PendingPairings       int
	RunsPerUser           int // queued and running; 0: any number
}

// Retention says how long what is kept stays.
type Retention struct {
	Pieces   time.Duration // of an answer after its run's end; the answer itself stays
	Sessions time.Duration // after a session's last change; 0: for ever
	Audit    time.Duration // of a line of the audit log; 0: for ever
}

// Media says which files are taken and how long unused ones stay.
type Media struct {
	MaxBytes int64         // of one file
	Quota    int64         // bytes of all files of a user
	Orphans  time.Duration // after the upload of a file that no message has
}

// Log says what is logged and how.
type Log struct {
	Format LogFormat
	Level  slog.Level
}

// A LogFormat is the form of a log line.
type LogFormat string

// The forms a log line can have.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Agents lists what can answer. Default is a name in List.
type Agents struct {
	Default string
	List    map[string]Agent
}

// A Provider is a kind of agent.
type Provider string

// The providers there are.
const (
	Builtin   Provider = "builtin"   // the demo agent: no key, no network
	OpenAI    Provider = "openai"    // any server that speaks OpenAI's API
	Anthropic Provider = "anthropic" // Anthropic's API
)

// anthropicMaxTokens is what an agent gets that has no max_tokens: the
// provider's API demands a number.
const anthropicMaxTokens = 8192

// baseURL returns where the provider's own API begins, "" if it has none.
func (p Provider) baseURL() string {
	switch p {
	case OpenAI:
		return "https://api.openai.com/v1"
	case Anthropic:
		return "https://api.anthropic.com"
	}
	return ""
}

// keyVariable returns the environment variable that holds the provider's key
// by custom, "" if there is none.
func (p Provider) keyVariable() string {
	switch p {
	case OpenAI:
		return "OPENAI_API_KEY"
	case Anthropic:
		return "ANTHROPIC_API_KEY"
	}
	return ""
}

// An Agent is one entry of agents.list. BaseURL is filled in for providers
// that have one, MaxTokens for Anthropic, and Label with the name, so that a
// reader needs no defaults of its own.
type Agent struct {
	Provider        Provider
	BaseURL         string // normalised, without a trailing slash; empty for Builtin
	Model           string
	APIKey          Secret
	APIKeyFile      string // where APIKey was read from; empty when it came from elsewhere
	SystemPrompt    string
	MaxTokens       int           // 0: no limit is sent
	Temperature     *float64      // nil: the provider's own
	Timeout         time.Duration // of a whole run
	HistoryMessages int           // messages of the session that the prompt may hold
	Images          bool          // the model is given images
	Label           string
	Description     string
}

// fill completes what may be left out: the authority of TLS, and what an agent's
// entry leaves to its provider or name.
func (c *Config) fill() {
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
