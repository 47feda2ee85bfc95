// Package anthropic is the agent for Anthropic's streaming messages API
// (https://docs.anthropic.com/en/api/messages-streaming).
package anthropic

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// DefaultBaseURL is the base URL if Config has none.
const DefaultBaseURL = "https://api.anthropic.com"

// DefaultMaxTokens limits an answer if Config has no limit. The API demands one.
const DefaultMaxTokens = 4096

// Config describes an agent. Only Model is required.
//
// The agent reads nothing from the environment, with one exception: its default transport
// honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
type Config struct {
	// the agent's name in agents.list, for errors that name a config key; "" is "default"
	Name         string
	BaseURL      string   // with or without /v1; "" is DefaultBaseURL
	Model        string   // the model's name in the API
	APIKey       string   `json:"-"` // "" sends no key
	SystemPrompt string   // "" sends no system prompt
	MaxTokens    int      // limits an answer with its thinking; 0 is DefaultMaxTokens
	Temperature  *float64 // nil leaves it to the API

	// Timeout limits a whole run; 0 is upstream.DefaultTimeout.
	Timeout time.Duration
	// FirstTimeout limits the wait for the first token; 0 is
	// upstream.DefaultFirstTimeout.
	FirstTimeout time.Duration
	// IdleTimeout limits the server's silence after that; 0 is
	// upstream.DefaultIdleTimeout.
	IdleTimeout time.Duration

	Reasoning string // the marks around reasoning in the text; see reasoning.Parse

	Transport http.RoundTripper // nil stands for a new transport of the agent's own
}

// String returns the agent's name and its model. The key, the address and the prompt are
// left out, because they may be secret.
func (c Config) String() string {
	return fmt.Sprintf("anthropic agent %q, model %q", c.Name,
		c.Model)
}

// GoString returns what String returns.
func (c Config) GoString() string { return c.String() }

// LogValue returns what String returns, as a group.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", c.Name), slog.String("model", c.Model))
}

// New checks c and returns its agent, without connecting to the server. An error names
// the config key at fault.
func New(c Config) (agent.Agent, error) {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.MaxTokens < 0 {
		return nil, fmt.Errorf("max_tokens: %d is negative", c.MaxTokens)
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = DefaultMaxTokens
	}
	server, err := upstream.New(upstream.Config{
		Agent: c.Name, API: "the Anthropic API",
		// The SDK's paths begin with v1.
		BaseURL: strings.TrimSuffix(strings.TrimRight(c.BaseURL, "/"), "/v1"), Model: c.Model,
		APIKey:  c.APIKey,
		Timeout: c.Timeout, FirstTimeout: c.FirstTimeout, IdleTimeout: c.IdleTimeout,
		Reasoning: c.Reasoning,
		Transport: c.Transport,
	})
	if err != nil {
		return nil, err
	}
	options := []option.RequestOption{
		option.WithBaseURL(server.BaseURL()),
		option.WithMaxRetries(0),
		option.WithoutOpenTelemetry(),
		option.WithHeader("User-Agent", "Gatehouse"),
	}
	if c.APIKey != "" {
		options = append(options, option.WithAPIKey(c.APIKey))
	}
	return &model{
		server: server,
		// Unlike sdk.NewClient, the service reads no ANTHROPIC_* variables and no
		// profiles.
		service: sdk.NewMessageService(options...),
		params:  params(c),
	}, nil
}

// params returns the parts of a request that are the same in every run.
func params(c Config) sdk.MessageNewParams {
	p := sdk.MessageNewParams{Model: c.Model, MaxTokens: int64(c.MaxTokens)}
	if c.Temperature != nil {
		p.Temperature = sdk.Float(*c.Temperature)
	}
	if c.SystemPrompt != "" {
		p.System = []sdk.TextBlockParam{{Text: c.SystemPrompt}}
	}
	return p
}
