// Package anthropic is the agent behind Anthropic's messages API with streaming
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

// DefaultBaseURL is used when Config names none.
const DefaultBaseURL = "https://api.anthropic.com"

// DefaultMaxTokens limits an answer when Config does not: the API demands a limit.
const DefaultMaxTokens = 4096

// Config describes an agent. Only Model is required. Nothing is read from the environment but the proxy settings
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and those only by the default transport.
type Config struct {
	Name         string   // the agent's name in agents.list: messages name its keys; empty is "default"
	BaseURL      string   // with or without /v1; empty is DefaultBaseURL
	Model        string   // as the API calls it
	APIKey       string   `json:"-"` // empty: none is sent
	SystemPrompt string   // empty: none
	MaxTokens    int      // of the answer, its thinking included; 0 is DefaultMaxTokens
	Temperature  *float64 // nil leaves it to the API

	Timeout      time.Duration // of a whole run; 0 is upstream.DefaultTimeout
	FirstTimeout time.Duration // for the server's silence before the first piece; 0 is upstream.DefaultFirstTimeout
	IdleTimeout  time.Duration // for its silence between pieces; 0 is upstream.DefaultIdleTimeout

	Transport http.RoundTripper // nil: one of the agent's own
}

// String names the agent and its model. It leaves out all that may hold a secret: the key, the address, the prompt.
func (c Config) String() string { return fmt.Sprintf("anthropic agent %q, model %q", c.Name, c.Model) }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue holds what String does.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", c.Name), slog.String("model", c.Model))
}

// New checks c and connects to nothing. An error names the configuration key at fault.
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
		BaseURL: strings.TrimSuffix(strings.TrimRight(c.BaseURL, "/"), "/v1"), Model: c.Model, APIKey: c.APIKey,
		Timeout: c.Timeout, FirstTimeout: c.FirstTimeout, IdleTimeout: c.IdleTimeout,
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
		// The service, unlike sdk.NewClient, takes nothing from ANTHROPIC_* variables or profiles.
		service: sdk.NewMessageService(options...),
		params:  params(c),
	}, nil
}

// params are the parts of a request that every run shares.
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
