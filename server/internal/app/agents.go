package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/anthropic"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/builtin"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/openai"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// makeAgents makes the configured agents, and their list for clients: the default one
// first, the others by name.
func makeAgents(c config.Agents) (map[string]run.Agent, []protocol.Agent, error) {
	agents := make(map[string]run.Agent, len(c.List))
	var list []protocol.Agent
	for _, name := range slices.Sorted(maps.Keys(c.List)) {
		cfg := c.List[name]
		a, err := makeAgent(name, cfg)
		if err != nil {
			return nil, nil, fmt.Errorf("agents.list.%s: %w", name, err)
		}
		agents[name] = run.Agent{
			Agent: a, HistoryMessages: cfg.HistoryMessages,
			Images: cfg.Images && cfg.Provider != config.Builtin,
		}
		entry := protocol.Agent{ID: name, Name: agentName(name, cfg), Description: cfg.Description,
			Provider: string(cfg.Provider), Model: cfg.Model, Default: name == c.Default}
		if entry.Default {
			list = slices.Insert(list, 0, entry)
		} else {
			list = append(list, entry)
		}
	}
	return agents, list, nil
}

// agentName is the name that people see: the label, unless the label is just "default".
func agentName(name string, c config.Agent) string {
	switch {
	case c.Label != name || name != "default":
		return c.Label
	case c.Provider == config.Builtin:
		return "Demo agent"
	}
	return c.Model
}

func makeAgent(name string, c config.Agent) (agent.Agent, error) {
	switch c.Provider {
	case config.OpenAI:
		return openai.New(openai.Config{
			Name: name, BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey.Reveal(),
			SystemPrompt: c.SystemPrompt,
			MaxTokens:    c.MaxTokens, Temperature: c.Temperature, Timeout: c.Timeout,
			FirstTimeout: c.FirstTokenTimeout, IdleTimeout: c.IdleTimeout, Reasoning: c.Reasoning,
		})
	case config.Anthropic:
		return anthropic.New(anthropic.Config{
			Name: name, BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey.Reveal(),
			SystemPrompt: c.SystemPrompt,
			MaxTokens:    c.MaxTokens, Temperature: c.Temperature, Timeout: c.Timeout,
			FirstTimeout: c.FirstTokenTimeout, IdleTimeout: c.IdleTimeout, Reasoning: c.Reasoning,
		})
	default:
		return builtin.New(builtin.Config{})
	}
}
