// Package openai is the agent for every server that speaks OpenAI's streaming chat
// completions API (https://platform.openai.com/docs/api-reference/chat): OpenAI, Ollama,
// vLLM, llama.cpp, OpenRouter and others.
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

// DefaultBaseURL is the base URL if Config has none.
const DefaultBaseURL = "https://api.openai.com/v1"

// openAIHost expects max_completion_tokens. All other servers expect max_tokens.
const openAIHost = "api.openai.com"

// Config describes an agent. Only Model is required.
//
// The agent reads nothing from the environment, with one exception: its default transport
// honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
type Config struct {
	// the agent's name in agents.list, for errors that name a config key; "" is "default"
	Name         string
	BaseURL      string   // with the version, as in http://127.0.0.1:11434/v1; "" is DefaultBaseURL
	Model        string   // the model's name at the server
	APIKey       string   `json:"-"` // "" sends no key
	SystemPrompt string   // "" sends no system prompt
	MaxTokens    int      // limits an answer; 0 leaves the limit to the server
	Temperature  *float64 // nil leaves it to the server

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
func (c Config) String() string { return fmt.Sprintf("openai agent %q, model %q", c.Name, c.Model) }

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
	server, err := upstream.New(upstream.Config{
		Agent: c.Name, API: "the OpenAI API", Hint: "It usually ends in /v1.",
		BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey,
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
		option.WithHeader("User-Agent", "Gatehouse"),
	}
	if c.APIKey != "" {
		options = append(options, option.WithAPIKey(c.APIKey))
	}
	return &model{
		server: server,
		// Unlike sdk.NewClient, the service reads no OPENAI_* variables.
		completions: sdk.NewChatCompletionService(options...),
		params:      params(c, server.Host()),
		prompt:      c.SystemPrompt,
	}, nil
}

// params returns the parts of a request that are the same in every run.
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
