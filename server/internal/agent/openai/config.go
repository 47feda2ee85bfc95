// Package openai is the agent behind any server that speaks OpenAI's chat completions API with streaming
// (https://platform.openai.com/docs/api-reference/chat): OpenAI, Ollama, vLLM, llama.cpp, OpenRouter and others.
package openai

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// DefaultBaseURL is used when Config names none.
const DefaultBaseURL = "https://api.openai.com/v1"

// openAIHost takes max_completion_tokens where every other server knows max_tokens.
const openAIHost = "api.openai.com"

// Config describes an agent. Only Model is required. Nothing is read from the environment but the proxy settings
// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and those only by the default transport.
type Config struct {
	Name         string   // the agent's name in agents.list: messages name its keys; empty is "default"
	BaseURL      string   // up to and including the version, as in http://127.0.0.1:11434/v1; empty is DefaultBaseURL
	Model        string   // as the server calls it
	APIKey       string   `json:"-"` // empty: none is sent
	SystemPrompt string   // empty: none
	MaxTokens    int      // of the answer; 0 leaves it to the server
	Temperature  *float64 // nil leaves it to the server

	Timeout      time.Duration // of a whole run; 0 is upstream.DefaultTimeout
	FirstTimeout time.Duration // for the server's silence before the first piece; 0 is upstream.DefaultFirstTimeout
	IdleTimeout  time.Duration // for its silence between pieces; 0 is upstream.DefaultIdleTimeout

	Transport http.RoundTripper // nil: one of the agent's own
}

// String names the agent and its model. It leaves out all that may hold a secret: the key, the address, the prompt.
func (c Config) String() string { return fmt.Sprintf("openai agent %q, model %q", c.Name, c.Model) }

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
	server, err := upstream.New(upstream.Config{
		Agent: c.Name, API: "the OpenAI API", Hint: "It usually ends in /v1.",
		BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey,
		Timeout: c.Timeout, FirstTimeout: c.FirstTimeout, IdleTimeout: c.IdleTimeout,
		Transport: c.Transport,
	})
	if err != nil {
		return nil, err
	}
	options := []option.RequestOption{
		option.WithBaseURL(server.BaseURL()),
		option.WithMaxRetries(0),
		option.WithHeader("User-Agent", "Gatehouse"),
	}
	if c.APIKey != "" {
		options = append(options, option.WithAPIKey(c.APIKey))
	}
	return &model{
		server: server,
		// The service, unlike sdk.NewClient, takes nothing from OPENAI_* variables.
		completions: sdk.NewChatCompletionService(options...),
		params:      params(c, server.Host()),
		prompt:      c.SystemPrompt,
	}, nil
}

// params are the parts of a request that every run shares.
func params(c Config, host string) sdk.ChatCompletionNewParams {
	p := sdk.ChatCompletionNewParams{Model: c.Model}
	if c.Temperature != nil {
		p.Temperature = sdk.Float(*c.Temperature)
	}
	switch {
	case c.MaxTokens == 0:
	case host == openAIHost:
		p.MaxCompletionTokens = sdk.Int(int64(c.MaxTokens))
	default:
		p.MaxTokens = sdk.Int(int64(c.MaxTokens))
	}
	return p
}
