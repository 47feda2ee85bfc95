// Package upstream is what the adapters of model APIs share: an HTTP exchange with a
// model server, with deadlines and limits.
//
// A [Server] is a model server as configured. An [Exchange] is the exchange of one run
// with the server: it sends the run's requests, enforces its deadlines, limits what it
// reads and never follows a redirect. Whatever goes wrong becomes an [agent.Error] with a
// sentence that users understand. The package knows no provider's SDK.
package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
)

// The default deadlines of [Config].
const (
	DefaultTimeout      = 10 * time.Minute
	DefaultFirstTimeout = 3 * time.Minute // a local server may have to load the model first
	DefaultIdleTimeout  = 60 * time.Second
)

const (
	dialTimeout         = 10 * time.Second
	idleConnTimeout     = 90 * time.Second
	maxHeaderBytes      = 64 << 10
	maxIdleConnsPerHost = 16
)

// Config describes a model server. Zero durations stand for the defaults.
type Config struct {
	// the agent's name in agents.list, for errors that name a config key; "" is "default"
	Agent   string
	API     string // the API that the server should speak, as in "the OpenAI API"
	Hint    string // an optional sentence on what base_url usually looks like
	BaseURL string // http or https, without credentials, query and fragment
	Model   string // the model's name at the server; required
	APIKey  string // is redacted from every error; the adapter sends it

	Timeout      time.Duration // limits the whole run
	FirstTimeout time.Duration // limits the wait for the first token, whatever else comes
	IdleTimeout  time.Duration // limits the server's silence after the first token

	// Reasoning names the marks around reasoning in the model's text; see reasoning.Parse.
	Reasoning string

	// Transport sends the requests. Nil stands for a new transport that honours
	// HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
	Transport http.RoundTripper
}

// Server is a model server as configured. It is safe for concurrent use.
type Server struct {
	agent, api, hint, model string
	base                    *url.URL
	hasKey                  bool
	// a closure, so that a printed Server does not show the key
	redact func(string) string

	timeout, first, idle time.Duration
	client               *http.Client
	retired              atomic.Bool // close connections after each run

	tags []reasoning.Tag
	// loneCloses is how many answers in a row began with reasoning that only a closing mark
	// has ended.
	loneCloses atomic.Int32
}

// Retire closes the idle connections to the server, now and again after each later run.
// Call it when a reload has replaced the agent.
func (s *Server) Retire() {
	s.retired.Store(true)
	s.client.CloseIdleConnections()
}

// New returns the server that c describes, without connecting to it. An error names the
// config key at fault and never quotes a secret.
func New(c Config) (*Server, error) {
	base, err := parseBase(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if c.Model == "" {
		return nil, errors.New("model: missing; name a model that the server knows")
	}
	if strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errors.New("api_key: holds a space, a line break or " +
			"another character that a key cannot have")
	}
	if c.Timeout < 0 || c.FirstTimeout < 0 || c.IdleTimeout < 0 {
		return nil, errors.New("timeouts must not be negative")
	}
	tags, err := reasoning.Parse(c.Reasoning)
	if err != nil {
		return nil, fmt.Errorf("reasoning: %w", err)
	}
	s := &Server{
		tags:  tags,
		agent: cmp.Or(c.Agent, "default"), api: c.API, hint: c.Hint, model: c.Model,
		base: base, hasKey: c.APIKey != "", redact: redactor(c.APIKey),
		timeout: cmp.Or(c.Timeout, DefaultTimeout),
		first:   cmp.Or(c.FirstTimeout, DefaultFirstTimeout),
		idle:    cmp.Or(c.IdleTimeout, DefaultIdleTimeout),
		client: &http.Client{
			Transport: c.Transport,
			// A redirect could carry the key to another host.
			CheckRedirect: func(*http.Request,
				[]*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
	}
	if c.Transport == nil {
		s.client.Transport = newTransport()
	}
	return s, nil
}

// Reasoning returns the marks around reasoning in the model's text.
func (s *Server) Reasoning() []reasoning.Tag { return s.tags }

// BaseURL returns the address to which an SDK appends paths.
func (s *Server) BaseURL() string { return s.base.String() }

// Host returns the name or address in the base URL, without the port.
func (s *Server) Host() string { return s.base.Hostname() }

// origin returns scheme, host and port of the base URL, for messages.
func (s *Server) origin() string { return s.base.Scheme + "://" + s.base.Host }

// configKey returns the full name of one of the agent's config keys.
func (s *Server) configKey(name string) string { return "agents.list." + s.agent + "." + name }

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil: // which quotes the text, and the text may hold a password
		return nil, errors.New("base_url: not a URL; it looks like http://127.0.0.1:11434/v1")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("base_url: must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("base_url: names no host")
	case u.User != nil:
		return nil, errors.New("base_url: must not hold a user name or password; a key belongs " +
			"into api_key or api_key_file")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("base_url: must not have a query or a fragment")
	}
	return u, nil
}

// minRedacted is the length from which keys are redacted. Shorter ones, such as "ollama"
// and "none", are placeholders for servers that need no key, and parts of common words.
const minRedacted = 8

// redactor returns a function that replaces key in a provider's text.
func redactor(key string) func(string) string {
	if len(key) < minRedacted {
		return func(s string) string { return s }
	}
	return func(s string) string { return strings.ReplaceAll(s, key, "[redacted]") }
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // decompression would delay pieces
	}
}
