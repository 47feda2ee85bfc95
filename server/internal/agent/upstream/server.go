// Package upstream is one bounded exchange with a model server over HTTP: what the adapters of model APIs share.
//
// An [Exchange] sends a run's requests, watches its deadlines, limits what it reads, never follows a redirect,
// and turns whatever goes wrong into an [agent.Error] whose message a user understands. It knows no provider's SDK.
package upstream

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// The deadlines that a zero in [Config] stands for.
const (
	DefaultTimeout      = 10 * time.Minute
	DefaultFirstTimeout = 3 * time.Minute // a local model may have to be loaded first
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
	Agent   string // the agent's name in agents.list, for sentences that name a key; empty is "default"
	API     string // what the server is expected to speak, as in "the OpenAI API"
	Hint    string // optional sentence on how base_url usually looks
	BaseURL string // http or https; no credentials, query or fragment
	Model   string
	APIKey  string // redacted from every error; sending it is the adapter's job

	Timeout      time.Duration // the whole run
	FirstTimeout time.Duration // silence of the server before the first piece
	IdleTimeout  time.Duration // silence of the server after it

	Transport http.RoundTripper // nil: a transport of its own that honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY
}

// Server is a model server as configured. It is safe for concurrent use.
type Server struct {
	agent, api, hint, model string
	base                    *url.URL
	hasKey                  bool
	redact                  func(string) string // a closure, so that printing a Server cannot print the key

	timeout, first, idle time.Duration
	client               *http.Client
	retired              atomic.Bool
}

// Retire closes the idle connections to the server, now and after each run that is under way or still begins.
func (s *Server) Retire() {
	s.retired.Store(true)
	s.client.CloseIdleConnections()
}

// New checks c. Its errors name the configuration key and never quote a secret.
func New(c Config) (*Server, error) {
	base, err := parseBase(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if c.Model == "" {
		return nil, errors.New("model: missing; name a model that the server knows")
	}
	if strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errors.New("api_key: holds a space, a line break or another character that a key cannot have")
	}
	if c.Timeout < 0 || c.FirstTimeout < 0 || c.IdleTimeout < 0 {
		return nil, errors.New("timeouts must not be negative")
	}
	s := &Server{
		agent: cmp.Or(c.Agent, "default"), api: c.API, hint: c.Hint, model: c.Model,
		base: base, hasKey: c.APIKey != "", redact: redactor(c.APIKey),
		timeout: cmp.Or(c.Timeout, DefaultTimeout),
		first:   cmp.Or(c.FirstTimeout, DefaultFirstTimeout),
		idle:    cmp.Or(c.IdleTimeout, DefaultIdleTimeout),
		client: &http.Client{
			Transport: c.Transport,
			// A redirect could carry the key to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if c.Transport == nil {
		s.client.Transport = newTransport()
	}
	return s, nil
}

// BaseURL is the address that the SDK appends paths to.
func (s *Server) BaseURL() string { return s.base.String() }

// Host is the name or address in the base URL, without port.
func (s *Server) Host() string { return s.base.Hostname() }

// origin is what messages show: scheme, host and port.
func (s *Server) origin() string { return s.base.Scheme + "://" + s.base.Host }

// key is the full name of one of the agent's configuration keys.
func (s *Server) key(name string) string { return "agents.list." + s.agent + "." + name }

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil: // url.Error quotes the text, which may hold a password
		return nil, errors.New("base_url: not a URL; it looks like http://127.0.0.1:11434/v1")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("base_url: must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("base_url: names no host")
	case u.User != nil:
		return nil, errors.New("base_url: must not hold a user name or password; a key belongs into api_key or api_key_file")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("base_url: must not have a query or a fragment")
	}
	return u, nil
}

func redactor(key string) func(string) string {
	if key == "" {
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
		DisableCompression:     true, // it would hold pieces back
	}
}
